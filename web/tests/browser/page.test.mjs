// The page in Chromium, opened from disk.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { assertAccessible, FLAGS, launch, openAt, whole } from "./chrome.mjs";
import * as reports from "./reports.mjs";

let chrome;
const pages = {};

before(async () => {
  chrome = await launch();
  Object.assign(pages, { table: reports.table(), pets: reports.pets(), boxes: reports.drawn("boxes", reports.boxes()), odd: reports.drawn("odd", reports.odd()),
    healthy: reports.drawn("healthy", reports.healthy()), preflight: reports.drawn("preflight", reports.preflight()) });
});
after(async () => chrome?.close());

const open = (name, how) => openAt(chrome, `file://${pages[name]}`, how);

for (const name of ["table", "pets", "boxes", "odd", "healthy", "preflight"]) {
  test(`${name}: opens from disk with a verdict, no error and no request`, async () => {
    const { page, quiet } = await open(name);
    await whole(page);
    assert.ok((await page.textContent("h1")).trim().length > 10);
    assert.equal(await page.locator("script:not([type]):not([src])").count(), 1);
    await quiet();
  });

  for (const scheme of ["light", "dark"]) {
    test(`${name}: no serious accessibility violation, ${scheme}`, async () => {
      const { page, quiet } = await open(name, { scheme });
      await whole(page);
      await assertAccessible(page);
      await quiet();
    });
  }

  test(`${name}: fits a phone`, async () => {
    const { page, quiet } = await open(name, { width: 360 });
    await whole(page);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
    await quiet();
  });
}

test("finding, evidence, sample: by mouse", async () => {
  const { page, quiet } = await open("boxes");
  await page.click(".ranking a >> nth=0");
  const opener = page.locator("#finding-1 .picture .open").first();
  assert.equal(await page.locator("#finding-1 .boxes .culprit").count(), 2);
  await opener.click();
  const dialog = page.locator("dialog[open]");
  assert.match(await dialog.textContent(), /raccoon 4\.jpg/);
  assert.match(await dialog.textContent(), /2 of 40 boxes have no width/);
  await dialog.locator("text=next").click();
  assert.match(await dialog.locator("h2").textContent(), /raccoon 5\.jpg/);
  await dialog.locator(".close").click();
  assert.equal(await dialog.count(), 0);
  await quiet();
});

test("finding, evidence, sample: by keyboard, and focus comes back", async () => {
  const { page, quiet } = await open("boxes");
  await page.locator(".ranking a").first().focus();
  await page.keyboard.press("Enter");
  await page.locator("#finding-1 .picture .open").first().focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("ArrowRight");
  assert.match(await page.textContent("dialog h2"), /raccoon 5\.jpg/);
  await page.keyboard.press("ArrowLeft");
  assert.match(await page.textContent("dialog h2"), /raccoon 4\.jpg/);
  assert.ok(await page.evaluate(() => document.querySelector("dialog").contains(document.activeElement)), "focus is in the dialog");
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
  assert.match(await page.evaluate(() => document.activeElement.querySelector("img").alt), /raccoon 4\.jpg/);
  await quiet();
});

test("a class that is called like a script stays text", async () => {
  for (const name of ["pets", "boxes", "odd", "table"]) {
    const { page, quiet } = await open(name);
    await whole(page);
    assert.ok((await page.textContent("#page")).includes("<script>alert(1)"), name);
    assert.equal(await page.locator("#page script, #page img[src=x]").count(), 0);
    await quiet();
  }
});

test("copies of a picture stand side by side with their captions", async () => {
  const { page, quiet } = await open("boxes");
  const group = page.locator("#finding-2 .group");
  assert.match(await group.first().textContent(), /in train.*copy in validation/);
  await quiet();
});

test("the copy button copies, also where there is no clipboard", async () => {
  for (const has of [true, false]) {
    const { page, quiet } = await open("boxes");
    await page.evaluate((has) => {
      globalThis.copied = null;
      Object.defineProperty(navigator, "clipboard", { value: has ? { writeText: async (t) => { globalThis.copied = t; } } : undefined });
      document.execCommand = () => { globalThis.copied = document.activeElement.value; return true; };
    }, has);
    const button = page.locator("#finding-1 .snippet .copy");
    await button.click();
    await page.waitForFunction(() => document.querySelector("#finding-1 .snippet .copy").textContent === "copied");
    assert.equal(await page.evaluate(() => globalThis.copied), "stetho prepare data --drop degenerate-box");
    await quiet();
  }
});

test("light and dark: by the system, and by the button", async () => {
  const paper = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const [light, dark] = [await open("table"), await open("table", { scheme: "dark" })];
  const [white, black] = [await paper(light.page), await paper(dark.page)];
  assert.notEqual(white, black);
  await light.page.click("button.theme");
  assert.equal(await paper(light.page), black);
  await dark.page.click("button.theme");
  assert.equal(await paper(dark.page), white);
  await light.quiet();
  await dark.quiet();
});

test("the sample browser filters, orders and shows what networks see", async () => {
  const { page, quiet } = await open("boxes");
  await page.locator("#samples").scrollIntoViewIfNeeded();
  await page.waitForSelector(".tile");
  assert.equal(await page.locator(".tile").count(), 40);
  assert.match(await page.locator(".tile").first().textContent(), /degenerate-box|duplicate-images/, "worst first");
  const names = () => page.locator(".tile p .faint").allTextContents();
  await page.selectOption(".order select", "class");
  assert.ok((await page.locator(".tile b").first().textContent()).includes("<script>"));
  await page.click("text=shuffle");
  const one = await names();
  await page.click("text=shuffle");
  assert.notDeepEqual(await names(), one);
  await page.selectOption("#samples label:has-text('class') select", "=raccoon");
  assert.equal(await page.locator(".tile").count(), 26);
  await page.selectOption("#samples label:has-text('part') select", "test");
  assert.equal(await page.locator(".tile").count(), 5);
  for (const fit of ["squash", "crop"]) {
    await page.selectOption("#samples label:has-text('seen') select", fit);
    await page.selectOption("#samples label:has-text('size') select", "32");
    await page.waitForFunction(() => [...document.querySelectorAll(".tile canvas")].every((c) => c.getContext("2d").getImageData(0, 0, 32, 32).data.some((v) => v > 0)));
    assert.equal(await page.locator(".tile canvas[width='32']").count(), 5);
  }
  const view = await page.locator(".tile .boxes").first().getAttribute("viewBox");
  assert.equal(view, "80 0 480 480", "boxes follow the crop");
  await quiet();
});

test("the map shows a sample under the pointer and under the arrow keys, and opens it", async () => {
  const { page, quiet } = await open("boxes");
  const map = page.locator(".map");
  await map.scrollIntoViewIfNeeded();
  await page.waitForSelector(".map svg");
  const dots = page.locator(".map svg [aria-label='dot'] path");
  assert.equal(await dots.count(), 40);
  const dot = await dots.nth(20).boundingBox();
  await page.mouse.move(dot.x + dot.width / 2, dot.y + dot.height / 2);
  assert.match(await page.textContent(".tip"), /raccoon/);
  assert.equal(await page.locator(".tip img").count(), 1);
  await page.mouse.click(dot.x + dot.width / 2, dot.y + dot.height / 2);
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("Escape");
  await page.mouse.move(0, 0);
  await map.focus();
  await page.keyboard.press("ArrowRight");
  const first = await page.textContent(".tip");
  await page.keyboard.press("ArrowRight");
  assert.notEqual(await page.textContent(".tip"), first);
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open]");
  await quiet();
});

test("facts of pictures and boxes are drawn", async () => {
  const { page, quiet } = await open("boxes");
  await whole(page);
  const titles = await page.locator(".panel h3").allTextContents();
  for (const title of ["Where boxes lie", "How large boxes are", "Aspect", "Boxes a picture", "Sizes", "Colour", "Brightness", "Sharpness"]) assert.ok(titles.includes(title), title);
  assert.ok((await page.locator(".panel .chart svg").count()) >= 7);
  assert.match(await page.textContent("#rules"), /no --test given.*split-drift.*not a picture/s);
  await quiet();
});

test("columns can be searched and sorted", async () => {
  const profiles = Array.from({ length: 300 }, (_, i) => ({ name: `column ${i}`, kind: "number", nulls: i, distinct: 300 - i, distinct_exact: true, mean: i === 7 ? "NaN" : i, histogram: [1, 2, 3] }));
  const document = reports.healthy();
  document.facts.column_profiles = profiles;
  pages.columns = reports.drawn("columns", document);
  const { page, quiet } = await open("columns");
  assert.equal(await page.locator(".profiles tbody tr").count(), 100);
  await page.click(".profiles thead >> text=nulls");
  await page.click(".profiles thead >> text=nulls");
  assert.equal(await page.textContent(".profiles tbody th >> nth=0"), "column 299");
  await page.fill("#columns input", "column 29");
  assert.equal(await page.locator(".profiles tbody tr").count(), 11);
  await quiet();
});

test("the checklist before training, the batch as the network sees it, and the curves of the experiments", async () => {
  const { page, quiet } = await open("preflight");
  await whole(page);
  const lines = page.locator("#checklist tbody tr");
  assert.equal(await lines.count(), 3);
  assert.match(await lines.nth(1).textContent(), /error.*overfit one batch.*cannot-overfit-batch/);
  assert.match(await lines.nth(2).textContent(), /skipped: the inputs are no tokens/);
  await lines.nth(1).locator("a").click();
  assert.ok(page.url().endsWith("#finding-1"));
  assert.equal(await page.locator("#batch .picture img").count(), 4);
  assert.equal(await page.locator("#batch .picture .boxes rect.over").count(), 4);
  assert.ok(await page.locator("#batch figure svg, #batch svg[role=img]").count() >= 1);
  assert.match(await page.locator("#experiments").textContent(), /8 samples learned by heart/);
  await page.locator("#batch .picture .open").first().click();
  assert.match(await page.locator("dialog[open]").textContent(), /first batch/);
  await quiet();
});

test("numbers that are none are said, not drawn", async () => {
  const { page, quiet } = await open("odd");
  assert.match(await page.textContent("#finding-1 .measure"), /NaN expected at most ∞/);
  assert.equal(await page.locator(".gauge").count(), 0);
  assert.match(await page.textContent(".bars"), /NaN.*∞.*2/);
  await quiet();
});

test("a healthy report says so", async () => {
  const { page, quiet } = await open("healthy");
  assert.match(await page.textContent("h1"), /nothing found/);
  assert.equal(await page.locator("#findings").count(), 0);
  await quiet();
});

test("without scripts the text report stands in", async () => {
  const plain = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
  const context = await plain.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`file://${pages.boxes}`);
  assert.match(await page.innerText("body"), /error\[degenerate-box\]/);
  await plain.close();
});

test("a report on 100,000 pictures stays under 15 MB", async () => {
  pages.large = reports.drawn("large", reports.large());
  const bytes = statSync(pages.large).size;
  assert.ok(bytes < 15_000_000, `${bytes} bytes`);
  assert.ok(bytes > 10_000_000, "the report holds as many pictures as a page may");
  const { page, quiet } = await open("large");
  const ready = await page.evaluate(() => document.documentElement.dataset.ready);
  console.log(`# ${(bytes / 1e6).toFixed(1)} MB, interactive after ${ready} ms`);
  await quiet();
});
