import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const words = await load("words.ts");
const order = await load("order.ts");

test("numbers read as in the text report", () => {
  const shown = [[0, "0"], [0.123456, "0.1235"], [1234567, "1,234,567"], [-1.5, "−1.5"], [1e-9, "1.00e-9"], [99.999, "100"],
    [-12345.6, "−12,346"], ["NaN", "NaN"], ["Infinity", "∞"], ["-Infinity", "−∞"], [null, "NaN"]];
  for (const [value, text] of shown) assert.equal(words.human(value), text);
  assert.equal(words.percent(0.9999999), "100.000 %");
  assert.equal(words.percent(0.00001), "0.001 %");
  assert.equal(words.percent(0.5), "50 %");
  assert.equal(words.countOf(2400, "category"), "2,400 categories");
  assert.equal(words.countOf(3, "class"), "3 classes");
  assert.equal(words.countOf(3, "box"), "3 boxes");
  assert.equal(words.duration(192.4), "3 min 12 s");
});

test("hidden characters are spelled out and line breaks stay", () => {
  assert.equal(words.clean("a\u202eb\u001b[2J\r\nc"), "a\\u{202e}b\\u{1b}[2J\nc");
});

const finding = (severity, message) => ({ severity, message });
const report = (findings, outcomes = [{ outcome: "ran" }, { outcome: "ran" }]) => ({ findings, outcomes });

test("the verdict is one sentence", () => {
  assert.equal(words.verdict(report([])), "nothing found: none of the 2 rules that ran has anything to say");
  assert.equal(words.verdict(report([], [])), "no rule could judge this data");
  assert.equal(words.verdict(report([finding("error", "a")])), "a");
  assert.equal(words.verdict(report([finding("error", "a"), finding("error", "b"), finding("info", "c")])), "a; and 1 more error");
  assert.equal(words.verdict(report([finding("error", "a"), finding("warning", "b")])), "a; and 1 warning");
});

test("places are written so that they can be opened", () => {
  assert.deepEqual(words.placeLines({ kind: "item", path: "a/7.xml", index: 3, line: 41 }), ["a/7.xml:41 (item 3)"]);
  assert.deepEqual(words.placeLines({ kind: "rows", path: "a.csv", rows: [0, 5], lines: [2, 7] }), ["a.csv:2", "a.csv:7"]);
  assert.deepEqual(words.placeLines({ kind: "rows", path: "a.parquet", rows: [4] }), ["a.parquet, row 4"]);
  assert.deepEqual(words.placeLines({ kind: "steps", first: 3, last: 5 }), ["steps 3–5"]);
  assert.deepEqual(words.placeLines({ kind: "whole" }), []);
});

test("columns of numbers are told from text", () => {
  assert.equal(words.isNumeric(["1,200", "3 %", "", "−4"]), true);
  assert.equal(words.isNumeric(["1", "x"]), false);
  assert.equal(words.isNumeric(["", ""]), false);
});

const sample = (name, label, findings = []) => ({ name, label, findings });
const names = (list) => list.map((s) => s.name).join("");

test("worst first: the worst finding, then the most findings, then as given", () => {
  const list = [sample("a", "x"), sample("b", "x", [3]), sample("c", "y", [0]), sample("d", "y", [0, 3]), sample("e", "y")];
  assert.equal(names(order.ordered(list, "worst", 1)), "dcbae");
});

test("by class numbers sort by value and samples without a label come last", () => {
  const list = [sample("a", "10"), sample("b", "9"), sample("c", null), sample("d", "9")];
  assert.equal(names(order.ordered(list, "class", 1)), "bdac");
});

test("a shuffle keeps every sample and is the same for the same seed", () => {
  const list = Array.from({ length: 50 }, (_, i) => sample(String.fromCharCode(65 + i), null));
  const first = names(order.ordered(list, "random", 7));
  assert.equal(first, names(order.ordered(list, "random", 7)));
  assert.notEqual(first, names(order.ordered(list, "random", 8)));
  assert.notEqual(first, names(list));
  assert.deepEqual([...first].sort().join(""), names(list));
});
