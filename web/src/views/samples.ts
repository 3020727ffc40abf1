// The sample browser: inputs with their labels, as stored or as networks see them.

import { h, put, type Child } from "../h";
import { whenNear } from "../actions";
import type { Model, Sample } from "../model";
import { ordered, type Order } from "../order";
import { fileName, thousands } from "../words";
import { openSamples } from "./dialog";
import { framed, type Fit } from "./picture";

const PAGE = 48;

interface State { label: string; part: string; order: Order; seed: number; fit: Fit; side: number }

function tile(model: Model, sample: Sample, state: State, open: () => void): HTMLElement {
  const rules = [...new Set(sample.findings.map((i) => model.document.findings[i]?.rule ?? ""))].filter(Boolean);
  return h("li", { class: "tile" },
    h("button", { type: "button", class: "open", onclick: open },
      sample.picture ? framed(sample.picture, model.thumbnail(sample.picture), state.fit, state.side, 132)
        : h("span", { class: "cells" }, sample.row?.values.slice(0, 6).map((v, c) => [h("span", { class: "faint" }, model.columns[c] ?? ""), h("span", { class: "value" }, v)]))),
    h("p", {}, sample.label !== null ? h("b", {}, sample.label) : null, h("span", { class: "faint", title: sample.name }, fileName(sample.name)),
      rules.length ? h("span", { class: "named" }, `▲ ${rules.join(", ")}`) : null));
}

function choice(name: string, options: [string, string][], value: string, change: (value: string) => void): HTMLElement {
  const select = h("select", { onchange: () => change(select.value) }, options.map(([v, words]) => h("option", { value: v, selected: v === value }, words)));
  return h("label", {}, h("span", {}, name), select);
}

function counted(values: string[]): [string, string][] {
  const counts = new Map<string, number>();
  values.forEach((v) => counts.set(v, (counts.get(v) ?? 0) + 1));
  return [...counts].sort((a, b) => b[1] - a[1]).map(([v, n]) => [v, `${v} (${n})`]);
}

function controls(model: Model, state: State, draw: () => void): HTMLElement {
  const set = <K extends keyof State>(key: K) => (value: string) => { (state[key] as string | number) = key === "side" ? Number(value) : value; draw(); };
  const labels = counted(model.samples.flatMap((s) => (s.label === null ? [] : [s.label])));
  const parts = counted(model.samples.flatMap((s) => (s.part ? [s.part] : [])));
  const shuffle = h("button", { type: "button", onclick: () => { state.seed += 1; state.order = "random"; const order = box.querySelector<HTMLSelectElement>(".order select"); if (order) order.value = "random"; draw(); } }, "shuffle");
  const order = choice("order", [["worst", "worst first"], ["class", "by class"], ["random", "at random"]], state.order, set("order"));
  order.classList.add("order");
  const side = choice("size", [["32", "32 × 32"], ["64", "64 × 64"], ["224", "224 × 224"]], String(state.side), set("side"));
  const isPictures = model.samples.some((s) => s.picture);
  side.hidden = true;
  const fit = choice("seen", [["stored", "as stored"], ["squash", "squashed to a square, as most networks see it"], ["crop", "centre crop"]], state.fit,
    (value) => { side.hidden = value === "stored"; set("fit")(value); });
  const box = h("form", { class: "controls", "aria-label": "which samples, and how", onsubmit: (e: Event) => e.preventDefault() },
    labels.length > 1 ? choice("class", [["", "all classes"], ...labels.map(([v, w]): [string, string] => [`=${v}`, w])], "", set("label")) : null,
    parts.length > 1 ? choice("part", [["", "all parts"], ...parts], "", set("part")) : null,
    order, shuffle, isPictures ? [fit, side] : null);
  return box;
}

/** The section, or nothing where there is no sample. */
export function samples(model: Model): HTMLElement | null {
  if (!model.samples.length) return null;
  const state: State = { label: "", part: "", order: "worst", seed: 1, fit: "stored", side: 64 };
  const status = h("p", { class: "faint", role: "status" });
  const inside = h("div");
  const draw = () => {
    const chosen = model.samples.filter((s) => (!state.label || `=${s.label}` === state.label) && (!state.part || s.part === state.part));
    const list = ordered(chosen, state.order, state.seed);
    const named = list.filter((s) => s.findings.length).length;
    const noun = list.some((s) => s.picture) ? "pictures" : "rows";
    const small = state.fit !== "stored" && state.side > 64 ? "; drawn from small copies, so less sharp than the network's input" : "";
    status.textContent = `${thousands(list.length)} of ${thousands(model.samples.length)} ${noun} on this page${named ? `, ${thousands(named)} of them named by findings` : ""}${small}`;
    const tiles = h("ul", { class: model.samples[0]?.row ? "tiles rows" : "tiles" });
    put(inside, tiles);
    const more = (from: number): Child => {
      list.slice(from, from + PAGE).forEach((s, i) => tiles.append(tile(model, s, state, () => openSamples(model, list, from + i))));
      if (from + PAGE >= list.length) return null;
      const end = h("button", { type: "button", class: "more", onclick: () => { end.remove(); more(from + PAGE); } }, `show more of ${list.length}`);
      inside.append(end);
      if (from > 0) whenNear(end, () => { if (end.isConnected) { end.remove(); more(from + PAGE); } });
      return null;
    };
    more(0);
  };
  const section = h("section", { id: "samples", "aria-labelledby": "samples-title" }, h("h2", { id: "samples-title" }, "Samples"), controls(model, state, draw), status, inside);
  whenNear(inside, draw);
  return section;
}
