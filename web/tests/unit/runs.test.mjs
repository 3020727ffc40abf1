// Runs as charts want them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const data = await load("runs/data.ts");
const words = await load("words.ts");

const series = (tag, group, chart, more = {}) => ({ tag, group, chart, part: "", name: "", points: 3, from: 0, first: [0, 2, 4], last: [1, 3, 5], time: [1, 2, 3], mean: [3, 2, 1], min: [3, 2, 1], max: [3, 2, 1], ...more });
const run = (name, list, more = {}) => ({ name, unit: "step", restarts: [], last_step: 5, start: 0, seconds: 3, is_over: true, series: list, layers: [], findings: [], ...more });
const dots = (...ys) => ys.map((y, x) => ({ x, y, low: y, high: y, step: x }));

test("smoothing is that of TensorBoard: a constant stays one, and the first value is not pulled to zero", () => {
  assert.deepEqual(data.smoothed(dots(5, 5, 5), 0.9).map((d) => Math.round(d.y * 1e9) / 1e9), [5, 5, 5]);
  // By hand: 1; (0.25 + 0.5 · 3) / 0.75; (0.125 + 0.75 + 0.5 · 2) / 0.875
  const smooth = data.smoothed(dots(1, 3, 2), 0.5).map((d) => d.y);
  [1, (0.25 + 1.5) / 0.75, (0.125 + 0.75 + 1) / 0.875].forEach((y, i) => assert.ok(Math.abs(smooth[i] - y) < 1e-12));
  assert.deepEqual(data.smoothed(dots(1, 3), 0).map((d) => d.y), [1, 3]);
});

test("training and validation share a chart, and names tell lines apart", () => {
  const list = [series("lr", "learning_rate", "learning rate"), series("train/loss", "loss", "loss", { part: "training" }), series("val/loss", "loss", "loss", { part: "validation" })];
  const charts = data.chartsOf([run("a", list)]);
  assert.deepEqual(charts.map((c) => [c.title, c.curves.map((l) => l.label)]), [["loss", ["training", "validation"]], ["learning rate", ["lr"]]]);
  const two = data.chartsOf([run("a", list), run("b", [series("x", "loss", "loss", { part: "training" }), series("y", "loss", "loss", { part: "training" })])]);
  assert.deepEqual(two[0].curves.map((l) => l.label), ["A training", "A validation", "B x", "B y"]);
  assert.equal(data.letter(0) + data.letter(25) + data.letter(26), "AZA1");
});

test("points without a time are left out where the axis is time", () => {
  const s = series("x", "loss", "loss", { time: [1, "NaN", 3], mean: [1, 2, "NaN"] });
  assert.deepEqual(data.dotsOf(s, "step").map((d) => d.x), [0.5, 2.5]);
  assert.deepEqual(data.dotsOf(s, "time").map((d) => d.x), [1]);
});

test("a finding is marked where its series are drawn, else on the loss", () => {
  const charts = data.chartsOf([run("a", [series("loss", "loss", "loss"), series("loss/aux", "loss", "loss term aux"), series("grad", "gradient", "gradient norm")])]);
  const finding = (message) => ({ message, evidence: [], places: [] });
  const marks = data.marked({ findings: [finding("`grad` jumps"), finding("waits for data"), { ...finding("x"), evidence: [{ kind: "curves", lines: [{ label: "loss/aux", points: [] }] }] }] }, charts);
  assert.deepEqual([...marks].map(([key, set]) => [key.split("\n")[1], [...set]]), [["loss", [1]], ["loss term aux", [2]], ["gradient norm", [0]]]);
});

test("steps become seconds between the stretches of the longest series", () => {
  const facts = run("a", [series("x", "loss", "loss", { last: [10, 20, 30], time: [100, 200, 400] })]);
  assert.deepEqual([5, 10, 15, 25, 99].map((s) => data.timeAt(facts, s)), [100, 100, 150, 300, 400]);
});

test("the nearest point is found", () => {
  const list = [0, 1, 4, 9].map((x) => ({ x }));
  assert.deepEqual([-5, 0.4, 2.4, 2.6, 100].map((x) => data.nearest(list, x)), [0, 0, 1, 2, 3]);
  assert.equal(data.nearest([], 3), -1);
});

test("what was sent completes what was there", () => {
  const old = [run("a", [series("x", "loss", "loss"), series("y", "loss", "loss")])];
  const sent = [run("a", [series("x", "loss", "loss", { from: 2, first: [4, 6], last: [5, 7], time: [3, 4], mean: [1.5, 0], min: [1, 0], max: [2, 0] }),
    series("y", "loss", "loss", { from: 3, first: [], last: [], time: [], mean: [], min: [], max: [] }), series("new", "loss", "loss")])];
  const now = data.grownRuns(old, sent);
  assert.deepEqual(now[0].series[0].mean, [3, 2, 1.5, 0]);
  assert.deepEqual(now[0].series[0].last, [1, 3, 5, 7]);
  assert.deepEqual(now[0].series[1], series("y", "loss", "loss"));
  assert.equal(now[0].series[2].tag, "new");
  assert.throws(() => data.grownRuns([], sent), /missing/);
});

test("ticks are round", () => {
  assert.deepEqual(data.ticksOf(0, 9999, 5, "step"), [0, 2000, 4000, 6000, 8000]);
  assert.deepEqual(data.ticksOf(0, 3, 9, "step"), [0, 1, 2, 3]);
  assert.deepEqual(data.ticksOf(0, 4000, 5, "time"), [0, 900, 1800, 2700, 3600]);
  assert.deepEqual(data.ticksOf(7, 7, 5, "step"), [7]);
  assert.deepEqual(data.powerTicks(0.5, 2000), [1, 10, 100, 1000]);
  assert.deepEqual(data.powerTicks(0.09, 3), [0.1, 0.2, 0.5, 1, 2]);
  assert.equal(data.isWide("loss", [0.001, 5]), true);
  assert.equal(data.isWide("metric", [0.001, 5]), false);
});

test("times and large numbers are short on an axis", () => {
  assert.deepEqual([5, 65.4, 3725, 200000].map(words.sinceStart), ["5 s", "1:05 min", "1:02 h", "2.31 d"]);
  assert.deepEqual([0, 0.25, 12000, 6.12e9, -3e6, 3e-4].map(words.short), ["0", "0.25", "12 k", "6.12 G", "−3 M", "3e-4"]);
});
