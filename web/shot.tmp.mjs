import { chromium } from "playwright-core";
const [,,file,out,width="1280",scheme="light",full="1",hash=""]=process.argv;
const b=await chromium.launch({executablePath:"/usr/bin/chromium",args:["--no-sandbox","--disable-gpu","--disable-quic","--no-first-run","--disable-background-networking","--disable-component-update","--disable-sync"]});
const p=await b.newPage({viewport:{width:+width,height:900},colorScheme:scheme});
p.on("console",m=>console.log("console:",m.text()));p.on("pageerror",e=>console.log("error:",e.message));
await p.goto("file://"+file+hash);await p.waitForTimeout(500);
if(full==="1"){const H=await p.evaluate(()=>document.documentElement.scrollHeight);for(let y=0;y<H+2000;y+=700){await p.evaluate(y=>scrollTo(0,y),y);await p.waitForTimeout(40)}await p.evaluate(()=>scrollTo(0,0));await p.waitForTimeout(200);}
console.log(await p.evaluate(()=>[document.documentElement.scrollWidth,innerWidth,document.documentElement.scrollHeight,document.documentElement.dataset.ready]));
await p.screenshot({path:out,fullPage:full==="1"});await b.close();
