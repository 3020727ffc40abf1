// Bundles src/ into one script and one style sheet: `node build.mjs FOLDER`. The hash is that of the script, as a
// Content-Security-Policy names it.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const folder = process.argv[2];
if (!folder) throw new Error("usage: node build.mjs FOLDER");
const common = { bundle: true, minify: true, write: false, charset: "ascii", legalComments: "none", target: "es2022" };
const script = await build({ ...common, entryPoints: ["src/main.ts"], format: "iife" });
const style = await build({ ...common, entryPoints: ["src/style/page.css"] });
const text = script.outputFiles[0].text;
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "page.js"), text);
writeFileSync(join(folder, "page.css"), style.outputFiles[0].text);
writeFileSync(join(folder, "page.hash"), `sha256-${createHash("sha256").update(text).digest("base64")}\n`);
console.log(`page.js ${(text.length / 1024).toFixed(0)} KiB, page.css ${(style.outputFiles[0].text.length / 1024).toFixed(0)} KiB`);
