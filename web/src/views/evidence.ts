// Proof, each kind drawn in its own way. A new kind does not compile until it is drawn.

import { h, prose, type Child } from "../h";
import { snippet, someOf } from "../actions";
import { curves, histogram } from "../charts";
import { asSample, type Model } from "../model";
import type { Evidence, Limit, Number as Value, Pictured } from "../types/report";
import { bound, fileName, human, isNumeric, pictureName, toNumber } from "../words";
import { amounts } from "./bars";
import { openSamples } from "./dialog";
import { framed } from "./picture";

/** A number on a line with its limit; logarithmic where they are far apart. */
function measure(name: string, value: Value, limit: Limit): HTMLElement {
  const { word, value: edge } = bound(limit);
  const x = toNumber(value);
  const drawn = Number.isFinite(x) && Number.isFinite(edge) && x >= 0 && edge >= 0 && Math.max(x, edge) > 0;
  const far = drawn && Math.min(x, edge) > 0 && Math.max(x / edge, edge / x) > 50;
  const at = (v: number) => (far ? Math.log10(v / Math.min(x, edge) * 3) / Math.log10(Math.max(x, edge) / Math.min(x, edge) * 5) : v / Math.max(x, edge) / 1.12) * 100;
  const isLow = "at_least" in limit;
  return h("div", { class: "measure" },
    h("p", {}, h("strong", {}, human(value)), " ", h("span", { class: "faint" }, `expected ${word} ${human(edge)}${far ? " · logarithmic" : ""}`)),
    h("p", { class: "faint" }, prose(name)),
    drawn ? h("div", { class: "gauge", "aria-hidden": "true" },
      h("span", { class: "allowed", style: isLow ? `left:${at(edge).toFixed(1)}%;right:0` : `left:0;width:${at(edge).toFixed(1)}%` }),
      h("span", { class: "limit", style: `left:${at(edge).toFixed(1)}%` }),
      h("span", { class: "value", style: `left:${at(x).toFixed(1)}%` })) : null);
}

function table(name: string, columns: string[], rows: string[][]): Child[] {
  const numeric = columns.map((_, c) => isNumeric(rows.map((r) => r[c] ?? "")));
  const kind = (c: number) => (numeric[c] ? "number" : null);
  const body = h("tbody");
  const drawn = h("table", {}, h("thead", {}, h("tr", {}, columns.map((c, i) => h("th", { scope: "col", class: kind(i) }, c)))), body);
  const [, more] = someOf(rows, 10, body, (row) => h("tr", {}, row.map((cell, c) => h("td", { class: kind(c) }, cell))));
  return [h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, drawn), more];
}

function figure(model: Model, picture: Pictured, open: () => void): HTMLElement {
  const address = model.thumbnail(picture);
  const label = picture.label ?? "";
  return h("figure", { class: "picture" },
    h("button", { type: "button", class: "open", onclick: open }, framed(picture, address)),
    h("figcaption", {}, label ? h("b", {}, label) : null, picture.caption ? h("span", {}, prose(picture.caption)) : null,
      h("span", { class: "faint", title: pictureName(picture) }, fileName(pictureName(picture)))));
}

/** Single pictures flow as a gallery; copies of one picture stand side by side in a row of their own. */
function pictures(model: Model, groups: Pictured[][]): Child[] {
  const all = groups.flat();
  const open = (picture: Pictured) => openSamples(model, all.map((p) => asSample(model, p)), all.indexOf(picture));
  const draw = (picture: Pictured) => figure(model, picture, () => open(picture));
  if (groups.every((group) => group.length === 1)) {
    return someOf(all, 12, h("div", { class: "gallery" }), draw);
  }
  return someOf(groups, 6, h("div", { class: "groups" }), (group) =>
    h("div", { class: "group" }, someOf(group, 8, h("div", { class: "gallery" }), draw)));
}

export function proof(model: Model, evidence: Evidence): HTMLElement {
  switch (evidence.kind) {
    case "measure":
      return h("div", { class: "proof" }, h("h4", {}, "measured"), measure(evidence.name, evidence.value, evidence.limit));
    case "table":
      return h("div", { class: "proof" }, h("h4", {}, prose(evidence.name)), table(evidence.name, evidence.columns, evidence.rows));
    case "bars":
      return h("div", { class: "proof" }, h("h4", {}, prose(evidence.name)), amounts(evidence.bars, evidence.name));
    case "histogram":
      return h("div", { class: "proof" }, h("h4", {}, prose(evidence.name)), histogram(evidence.name, evidence));
    case "curves":
      return h("div", { class: "proof" }, h("h4", {}, prose(evidence.name)), curves(evidence.name, evidence.x, evidence.ticks ?? [], evidence.lines));
    case "pictures":
      return h("div", { class: "proof pictures" }, h("h4", {}, prose(evidence.name)), pictures(model, evidence.groups));
    case "excerpt":
      return h("div", { class: "proof" }, h("h4", {}, `${evidence.path}:${evidence.line}`), snippet(evidence.text, `text of ${evidence.path}`));
    default:
      return unknown(evidence);
  }
}

/** What a later version may know. */
function unknown(evidence: never): HTMLElement {
  return h("div", { class: "proof" }, h("pre", {}, JSON.stringify(evidence, null, 1)));
}
