// The live page in Chromium, while a process writes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible, launch, openAt, whole } from "./chrome.mjs";
import * as reports from "./reports.mjs";

const { FOLLOW, STETHO } = process.env;
if (!FOLLOW) throw new Error("run these tests with `cargo xtask test`, or set FOLLOW");
const folder = mkdtempSync(join(tmpdir(), "stetho-live-"));
let chrome;
const children = [];
before(async () => { chrome = await launch(); });
after(async () => { children.forEach((c) => c.kill()); await chrome?.close(); });

/** A server, with the address that it prints. */
async function served(...words) {
  const child = spawn(FOLLOW, words, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const url = await new Promise((done, fail) => { child.stdout.once("data", (d) => done(String(d).trim())); child.once("exit", () => fail(new Error("the server ended"))); });
  return { url, child };
}

/** The command's own server. */
async function commanded(path) {
  const child = spawn(STETHO, ["serve", path, "--port", "0"], { stdio: ["ignore", "ignore", "pipe"], cwd: folder });
  children.push(child);
  let said = "";
  const url = await new Promise((done, fail) => {
    child.stderr.on("data", (d) => { said += d; const found = /http:\/\/\S+/.exec(said); if (found) done(found[0]); });
    child.once("exit", () => fail(new Error(said)));
  });
  return { url, child };
}

function csv(name, rows) {
  const path = join(folder, name);
  writeFileSync(path, "step,loss,val_loss,accuracy,lr\n" + rows);
  return path;
}

const row = (i) => `${i},${2 / (1 + i / 20)},${i % 10 ? "" : 2.2 / (1 + i / 20)},${i / (i + 50)},0.001\n`;
const rows = (a, b) => Array.from({ length: b - a }, (_, i) => row(a + i)).join("");
const live = (url, how) => openAt(chrome, url, { requests: new RegExp(`^${new URL(url).origin}/`), ...how });

/** The status of a request with just these header lines. */
function status(url, headers) {
  return new Promise((done, fail) => {
    const { hostname, port, pathname, search } = new URL(url);
    request({ hostname, port, path: pathname + search, headers, setHost: false }, (r) => { r.resume(); done(r.statusCode); }).on("error", fail).end();
  });
}

test("what a process writes comes onto the page, in place", async () => {
  const path = csv("a.csv", rows(0, 100));
  const { url } = await served(path);
  const { page, quiet } = await live(url);
  await page.locator("#curves .curve svg").first().waitFor();
  assert.match(await page.textContent(".live"), /live · step 99/);
  await page.selectOption("#curves label:has-text('scale') select", "logarithmic");
  await page.evaluate(() => { document.querySelector("#curves figure").dataset.mine = "kept"; });
  const writer = spawn(process.execPath, ["-e", `const fs = require("node:fs"); let i = 100; setInterval(() => { fs.appendFileSync(${JSON.stringify(path)}, i + "," + 2 / (1 + i / 20) + ",,0.7,0.001\\n"); i += 1; }, 100)`], { stdio: "inherit" });
  children.push(writer);
  await page.waitForFunction(() => / step 1[1-9]\d/.test(document.querySelector(".live").textContent));
  writer.kill();
  await page.waitForTimeout(2500);
  let worst = 0;
  for (let i = 500; i < 505; i++) {
    const start = Date.now();
    appendFileSync(path, row(i));
    await page.waitForFunction((n) => document.querySelector("#curves figure .readout b").textContent.startsWith((2 / (1 + n / 20)).toFixed(4)), i, { polling: 20 });
    worst = Math.max(worst, Date.now() - start);
    assert.match(await page.textContent(".live"), new RegExp(`step ${i}`));
  }
  console.log(`# slowest of five updates: ${worst} ms`);
  assert.equal(await page.locator("#curves figure[data-mine='kept']").count(), 1, "charts stay, with what was chosen");
  assert.equal(await page.inputValue("#curves label:has-text('scale') select"), "logarithmic");
  assert.equal(await page.locator("#findings").count(), 0);
  appendFileSync(path, "505,nan,,0.7,0.001\n");
  await page.locator("#findings").waitFor();
  assert.match(await page.textContent("h1"), /loss is NaN at step 505/i);
  assert.match(await page.textContent("#timeline"), /non-finite-loss/);
  assert.match(await page.textContent("nav"), /Findings over the run/);
  await page.click("button.row");
  assert.match(await page.locator("#curves .readout").first().textContent(), /NaN or ∞/);
  await quiet();
});

test("the live page is accessible and says when the connection is lost", async () => {
  const { url, child } = await served(csv("b.csv", rows(0, 30)));
  const { page, quiet } = await live(url, { allowed: /ERR_|Failed to load/ });
  await page.locator("#curves .curve svg").first().waitFor();
  await whole(page);
  await assertAccessible(page);
  child.kill("SIGKILL");
  await page.waitForFunction(() => document.querySelector(".live").classList.contains("lost"));
  assert.match(await page.textContent(".live [role=alert]"), /connection lost/);
  await quiet();
});

test("other names, other pages and missing tokens are refused", async () => {
  const { url } = await served(csv("c.csv", rows(0, 30)), "correct-horse-battery");
  const { origin, host } = new URL(url);
  assert.equal(await status(`${origin}/`, { Host: host }), 401);
  assert.equal(await status(`${origin}/api/document`, { Host: host, Authorization: "Bearer correct-horse-battery" }), 200);
  assert.equal(await status(`${origin}/api/document`, { Host: host, Authorization: "Bearer correct-horse-batterx" }), 401);
  assert.equal(await status(url, { Host: "evil.example" }), 403);
  assert.equal(await status(url, { Host: host, Origin: "http://evil.example" }), 403);
  const { page, quiet } = await live(url);
  await page.locator("#curves .curve svg").first().waitFor();
  const stranger = await chrome.newPage();
  await stranger.goto("data:text/html,<h1>another page</h1>");
  const got = await stranger.evaluate((u) => fetch(u).then((r) => r.text(), (e) => String(e)), `${origin}/api/document?token=correct-horse-battery`);
  assert.match(got, /TypeError/);
  await stranger.close();
  await quiet();
});

test("two hundred series of 100,000 points grow on the page", async () => {
  const { url } = await served("200", "100000");
  const { page, quiet } = await live(url);
  await page.waitForFunction(() => document.documentElement.dataset.version, null, { timeout: 60_000 });
  await page.click("summary:has-text('Others')");
  await page.locator("#curves .curve svg").first().waitFor();
  const sizes = [];
  page.on("response", (r) => { if (r.url().includes("since=")) sizes.push(Number(r.headers()["content-length"])); });
  const step = async () => Number((await page.textContent(".live")).match(/step ([\d,]+)/)[1].replace(",", ""));
  const before = await step();
  await page.waitForFunction((s) => Number(document.querySelector(".live").textContent.match(/step ([\d,]+)/)[1].replace(",", "")) >= s + 3, before);
  assert.ok(sizes.length > 0 && Math.min(...sizes) < 100_000, `bytes of what is sent: ${sizes}`);
  console.log(`# bytes of an update: ${Math.min(...sizes)}`);
  await quiet();
});

test("the command follows a log that grows, and judges it", async () => {
  const path = csv("real.csv", rows(0, 200));
  const { url } = await commanded(path);
  const { page, quiet } = await live(url);
  await page.locator("#curves .curve svg").first().waitFor();
  assert.match(await page.textContent(".live"), /step 199/);
  assert.equal(await page.locator("#findings").count(), 0);
  appendFileSync(path, rows(200, 210));
  await page.waitForFunction(() => document.querySelector(".live").textContent.includes("step 209"));
  appendFileSync(path, Array.from({ length: 20 }, (_, i) => `${210 + i},nan,,0.8,0.001\n`).join(""));
  await page.locator("#timeline button.row:has-text('non-finite-loss')").click();
  assert.match(await page.textContent(".opened"), /NaN at step 210/);
  await quiet();
});

test("a saved report on pictures is served with its samples", async () => {
  const { url } = await commanded(reports.pets());
  const { page, quiet } = await live(url, { requests: new RegExp(`^(data:|${new URL(url).origin}/)`) });
  await whole(page);
  await page.locator("#samples").scrollIntoViewIfNeeded();
  await page.locator(".tile img").first().waitFor();
  assert.equal(await page.locator("#curves").isVisible(), false);
  await page.click(".ranking a >> nth=0");
  await page.locator("#finding-1").waitFor();
  await quiet();
});
