// Pages in Chromium: whatever a page logs as an error, throws, or asks the network for is a failure.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export function launch() {
  return chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "stetho-chromium-")), { executablePath: "/usr/bin/chromium", args: FLAGS });
}

/** Opens an address; `quiet` fails for troubles that `allowed` does not match, and closes the page. */
export async function openAt(chrome, url, { width = 1280, scheme = "light", requests = /^(file|data):/, allowed = null } = {}) {
  const page = await chrome.newPage();
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: scheme });
  const troubles = [];
  page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") troubles.push(m.text()); });
  page.on("pageerror", (e) => troubles.push(e.message));
  page.on("dialog", (d) => { troubles.push(`dialog ${d.message()}`); void d.dismiss(); });
  page.on("request", (r) => { if (!requests.test(r.url())) troubles.push(r.url()); });
  await page.goto(url);
  await page.waitForFunction(() => document.documentElement.dataset.ready);
  return { page, quiet: async () => { assert.deepEqual(troubles.filter((t) => !allowed?.test(t)), []); await page.close(); } };
}

/** Draws everything, as for printing. */
export async function whole(page) {
  for (let i = 0; i < 3; i++) { await page.evaluate(() => dispatchEvent(new Event("beforeprint"))); await page.waitForTimeout(150); }
}

export async function assertAccessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
  const serious = violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`);
  assert.deepEqual(serious, []);
}
