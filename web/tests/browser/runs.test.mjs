// The page of training runs in Chromium, opened from disk.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, launch, openAt, whole } from "./chrome.mjs";
import * as reports from "./reports.mjs";
import * as runs from "./runs.mjs";

let chrome;
const pages = {};
before(async () => {
  chrome = await launch();
  for (const name of ["one", "several", "many"]) pages[name] = reports.drawn(`run-${name}`, runs[name]());
});
after(async () => chrome?.close());

const open = (name, how) => openAt(chrome, `file://${pages[name]}`, how);
const chart = (page, title) => page.locator(`#curves figure[data-title="${title}"]`);
const path = (page, title) => chart(page, title).locator("svg [aria-label='line'] path").first().getAttribute("d");
const drawn = (page, title) => chart(page, title).locator(".curve svg").first().waitFor();

for (const name of ["one", "several"]) {
  for (const scheme of ["light", "dark"]) {
    test(`${name}: opens with its charts, no error, and nothing inaccessible, ${scheme}`, async () => {
      const { page, quiet } = await open(name, { scheme });
      await whole(page);
      assert.ok((await page.locator(".curve svg").count()) >= 3);
      assert.ok((await page.locator(".heatmap canvas").count()) >= 2);
      await assertAccessible(page);
      await page.click("button.row >> nth=0");
      await assertAccessible(page);
      await quiet();
    });
  }

  test(`${name}: fits a phone`, async () => {
    const { page, quiet } = await open(name, { width: 360 });
    await whole(page);
    await page.click("button.row >> nth=0");
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
    await quiet();
  });
}

test("training and validation share a chart, and the newest values are written under it", async () => {
  const { page, quiet } = await open("one");
  await drawn(page, "loss");
  assert.match(await chart(page, "loss").locator(".readout").textContent(), /training0\.0\d+validation0\.8/);
  assert.equal(await chart(page, "loss").locator("svg [aria-label='line'] path").count(), 2);
  assert.match(await chart(page, "loss").locator(".curve").getAttribute("aria-label"), /loss by step: training from .* to .*; validation from/);
  await quiet();
});

test("scale, smoothing and axis redraw what is on the screen", async () => {
  const { page, quiet } = await open("one");
  await page.locator("#curves").scrollIntoViewIfNeeded();
  await drawn(page, "loss");
  const changed = async (before) => { await page.waitForFunction((d) => document.querySelector("#curves figure[data-title='loss'] svg [aria-label='line'] path").getAttribute("d") !== d, before); return path(page, "loss"); };
  const linear = await path(page, "loss");
  assert.equal(await chart(page, "loss").locator(".curve").getAttribute("data-scale"), "linear");
  await page.selectOption("#curves label:has-text('scale') select", "logarithmic");
  const log = await changed(linear);
  assert.equal(await chart(page, "loss").locator(".curve").getAttribute("data-scale"), "log");
  await page.fill("#curves input[type=range]", "0.9");
  await changed(log);
  assert.equal(await chart(page, "loss").locator("svg [aria-label='line'] path").count(), 4, "what was logged stays behind what is smoothed");
  await page.fill("#curves input[type=range]", "0");
  await page.selectOption("#curves label:has-text('scale') select", "linear");
  await page.selectOption("#curves label:has-text('axis') select", "time");
  await page.waitForFunction(() => /min|h/.test(document.querySelector("#curves figure[data-title='loss'] svg [aria-label='x-axis tick label']")?.textContent ?? ""));
  assert.match(await page.locator(".axis").textContent(), /30:00 min/);
  await quiet();
});

test("a click on a finding goes to its step and opens it; its letter and its band are in the chart", async () => {
  const { page, quiet } = await open("one");
  await drawn(page, "loss");
  assert.match(await page.locator("button.row >> nth=1").textContent(), /warning.*overfitting.*step 4,000/);
  assert.match(await chart(page, "loss").locator(".curve svg").textContent(), /E.*W/s);
  await page.click("button.row >> nth=1");
  assert.equal(await page.locator("button.row >> nth=1").getAttribute("aria-expanded"), "true");
  assert.match(await page.textContent(".opened"), /rises since step 4000.*stop at step 4000/s);
  assert.match(await chart(page, "loss").locator(".readout").textContent(), /@ 4,0\d\d/);
  assert.equal(await chart(page, "loss").locator(".cursor.pinned").isVisible(), true);
  assert.equal(await page.evaluate(() => document.activeElement.textContent.includes("overfitting")), true, "focus stays");
  await page.click(".opened a");
  await page.waitForFunction(() => Math.abs(document.getElementById("finding-2").getBoundingClientRect().top) < 200);
  await page.click("#finding-2 .jump");
  assert.match(await chart(page, "loss").locator(".readout").textContent(), /@ 4,0\d\d/);
  await page.locator("button.row >> nth=1").focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.locator(".opened").count(), 0);
  await quiet();
});

test("values are read by pointer and by keyboard, and a part can be enlarged", async () => {
  const { page, quiet } = await open("one");
  const frame = chart(page, "loss").locator(".curve");
  await frame.scrollIntoViewIfNeeded();
  await drawn(page, "loss");
  const box = await frame.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 80);
  assert.match(await chart(page, "accuracy").locator(".readout").textContent(), /@ 4,\d\d\d|@ 5,\d\d\d/, "all charts read the same step");
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 80, { steps: 4 });
  await page.mouse.up();
  await page.locator("text=show the whole run").waitFor();
  await page.click("text=show the whole run");
  await page.mouse.move(0, 0);
  await frame.focus();
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  assert.match(await chart(page, "loss").locator("[aria-live]").textContent(), /@ 9,9\d\d: training .*, validation/);
  await page.keyboard.press("+");
  await page.locator("text=show the whole run").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("text=show the whole run").waitFor({ state: "hidden" });
  await quiet();
});

test("the cells of a heat map are read by keyboard", async () => {
  const { page, quiet } = await open("one");
  const map = page.locator(".heatmap[data-title='share of dead units']");
  await map.scrollIntoViewIfNeeded();
  await map.locator(".labels li").first().waitFor({ state: "attached" }); // drawn once it is on the screen
  await map.locator(".cells").focus();
  await page.keyboard.press("ArrowLeft");
  for (let i = 0; i < 8; i++) await page.keyboard.press("ArrowDown");
  assert.match(await map.locator(".labels").textContent(), /blocks\.6\.attn\.qkvW blocks\.7\.mlp\.fc1blocks/, "a layer that a finding names has its letter");
  assert.match(await map.locator("[role=status]").textContent(), /blocks\.7\.mlp\.fc1, step 9,440–9,599: 100 %/);
  const colours = await page.evaluate(() => { const c = document.querySelector(".heatmap[data-title='mean activation'] canvas"); const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; return [d[3], d[d.length - 1]]; });
  assert.deepEqual(colours, [255, 0], "what is no number stays blank");
  await quiet();
});

test("runs are told apart by letter and dash, and can be hidden", async () => {
  const { page, quiet } = await open("several");
  await page.locator("#curves").scrollIntoViewIfNeeded();
  await drawn(page, "loss");
  assert.match(await page.textContent(".legend.runs"), /sweep\/<script>alert\(1\)<\/script>/);
  const lines = () => chart(page, "loss").locator("svg [aria-label='line'] path").count();
  assert.equal(await lines(), 8);
  const dashes = await chart(page, "loss").locator(".readout .swatch line").evaluateAll((all) => all.map((l) => l.getAttribute("stroke-dasharray")));
  assert.equal(new Set(dashes).size, 4);
  assert.match(await chart(page, "loss").locator(".readout").textContent(), /D trainingNaN or ∞/);
  const button = page.locator(".legend.runs button >> nth=0");
  await button.click();
  await page.waitForFunction(() => document.querySelectorAll("#curves figure[data-title='loss'] svg [aria-label='line'] path").length === 6);
  assert.equal(await button.getAttribute("aria-pressed"), "false");
  await button.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("#curves figure[data-title='loss'] svg [aria-label='line'] path").length === 8);
  await quiet();
});

test("a verdict that begins with the name of a run or a series leaves it as it is", async () => {
  for (const name of ["one", "several"]) {
    const { page, quiet } = await open(name);
    assert.match(await page.getAttribute("h1", "class"), /verbatim/);
    await quiet();
  }
});

test("two hundred series: folded, searched, and drawn only where one looks", async () => {
  const { page, quiet } = await open("many");
  assert.equal(await page.locator(".curve").count(), 199);
  assert.equal(await page.locator("details.chart-group:has-text('Others')").getAttribute("open"), null);
  await page.locator("#curves").scrollIntoViewIfNeeded();
  await page.fill("#curves input[type=search]", "value 17");
  assert.equal(await page.locator("#curves figure:not([hidden])").count(), 11);
  assert.match(await page.locator("summary:has-text('Others')").textContent(), /11 of 196 charts/);
  await page.fill("#curves input[type=search]", "no such series");
  assert.equal(await page.locator("text=no chart of this name").isVisible(), true);
  await page.fill("#curves input[type=search]", "");
  await drawn(page, "loss");
  assert.ok((await page.locator(".curve svg").count()) < 60);
  const ready = await page.evaluate(() => document.documentElement.dataset.ready);
  console.log(`# interactive after ${ready} ms`);
  await quiet();
});
