// Layers over steps as heat maps: a row a layer, a column a stretch of steps. Drawn on a canvas, in colours whose
// lightness rises with the value; the value under the pointer or the arrow keys is said in words.

import { h, put } from "../h";
import type { Board, Drawn } from "../runs/board";
import { extent, nearest } from "../runs/data";
import type { HeatFacts, Severity } from "../types/report";
import { human, percent, toNumber } from "../words";
import { LETTERS } from "./curve";

/** Colours from the least to the greatest (viridis, by van der Walt and Smith). */
const RAMP: [number, number, number][] = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37]];
const MOST_LABELS = 24;

function colour(share: number): [number, number, number] {
  const at = Math.max(0, Math.min(1, share)) * (RAMP.length - 1);
  const i = Math.min(RAMP.length - 2, Math.floor(at));
  const mix = (c: 0 | 1 | 2) => Math.round(RAMP[i]![c] + (RAMP[i + 1]![c] - RAMP[i]![c]) * (at - i));
  return [mix(0), mix(1), mix(2)];
}

interface Spread { low: number; high: number; share(value: number): number }

/** Where a value lies between the least and the greatest. */
function spread(heat: HeatFacts): Spread {
  const values = heat.columns.flat().map(toNumber);
  const log = heat.scale === "logarithmic";
  const [low, high] = heat.scale === "share" ? [0, 1] : extent(values, log) ?? (log ? [1, 10] : [0, 1]);
  const of = (v: number) => (log ? Math.log10(v) : v);
  const [a, b] = [of(low), of(high)];
  return { low, high, share: (v) => (log && v <= 0 ? 0 : a === b ? 0.5 : (of(v) - a) / (b - a)) };
}

export class HeatMap implements Drawn {
  readonly figure: HTMLElement;
  readonly frame: HTMLElement;
  private canvas = h("canvas", { "aria-hidden": "true" });
  private labels = h("ol", { class: "labels", "aria-hidden": "true" });
  private rule = h("div", { class: "cursor", hidden: true });
  private cell = h("div", { class: "cell", hidden: true });
  private said = h("p", { class: "faint note", role: "status" });
  private legend = h("p", { class: "legend heat" });
  private now: [number, number] | null = null;
  private scale: Spread = { low: 0, high: 1, share: () => 0 };

  constructor(private board: Board, public run: number, public heat: HeatFacts, title: string) {
    this.frame = h("div", { class: "cells", tabindex: "0", role: "application" }, this.canvas, this.rule, this.cell);
    this.figure = h("figure", { class: "panel heatmap", "data-title": title }, h("h4", {}, title), this.legend, h("div", { class: "grid" }, this.labels, this.frame),
      h("p", { class: "ends faint" }), this.said);
    this.listen();
    board.follow(this);
  }

  private rowHeight(): number {
    return Math.max(2, Math.min(18, Math.floor(420 / this.heat.layers.length)));
  }

  draw(): void {
    const { heat, canvas, frame } = this;
    const [columns, rows] = [heat.first.length, heat.layers.length];
    frame.dataset.width = String(Math.floor(frame.clientWidth));
    this.scale = spread(heat);
    frame.style.height = `${rows * this.rowHeight()}px`;
    canvas.width = Math.max(1, columns);
    canvas.height = Math.max(1, rows);
    const context = canvas.getContext("2d");
    if (!context || columns === 0) return;
    const image = context.createImageData(columns, rows);
    heat.columns.forEach((column, c) => column.forEach((value, r) => {
      const v = toNumber(value);
      const rgb = Number.isFinite(v) ? colour(this.scale.share(v)) : null;
      if (rgb) image.data.set([...rgb, 255], 4 * (r * columns + c));
    }));
    context.putImageData(image, 0, 0);
    this.describe();
    this.point(this.board.cursor);
  }

  private show(value: number): string {
    if (!Number.isFinite(value)) return "no number";
    return this.heat.scale === "share" ? percent(value) : human(value);
  }

  /** Layers that findings of the run name, with the worst severity of each. */
  private found(): Map<string, Severity> {
    const { document, runs } = this.board;
    const found = new Map<string, Severity>();
    for (const i of runs[this.run]?.findings ?? []) {
      const finding = document.findings[i];
      for (const place of finding?.places ?? []) {
        if (finding && place.kind === "layer" && !found.has(place.name)) found.set(place.name, finding.severity);
      }
    }
    return found;
  }

  private describe(): void {
    const { heat } = this;
    const every = Math.ceil(heat.layers.length / Math.min(MOST_LABELS, Math.floor((heat.layers.length * this.rowHeight()) / 12) || 1));
    const found = this.found();
    put(this.labels, heat.layers.flatMap((name, i) => {
      const severity = found.get(name);
      const isHidden = heat.layers.length > MOST_LABELS && [...found.keys()].some((other) => other !== name && Math.abs(heat.layers.indexOf(other) - i) * this.rowHeight() < 12);
      if (!severity && (i % every !== 0 || isHidden)) return [];
      return [h("li", { class: severity ? `named ${severity}` : null, style: `top:${i * this.rowHeight() + Math.min(0, (this.rowHeight() - 12) / 2)}px;height:${Math.max(12, this.rowHeight())}px`, title: name }, severity ? `${LETTERS[severity]} ${name}` : name)];
    }));
    put(this.legend, h("span", {}, this.show(this.scale.low)), h("i", { class: "ramp", "aria-hidden": "true" }), h("span", {}, this.show(this.scale.high)),
      h("span", { class: "faint" }, heat.scale === "logarithmic" ? "logarithmic; blank: no number" : "blank: no number"));
    const ends = this.figure.querySelector(".ends");
    const unit = this.board.runs[this.run]?.unit ?? "step";
    if (ends) put(ends, h("span", {}, `${unit} ${human(heat.first[0] ?? 0)}`), h("span", {}, human(heat.last.at(-1) ?? 0)));
    const left = heat.left_out ? `, ${heat.left_out} more are not shown` : "";
    this.frame.setAttribute("aria-label", `${heat.name} of ${heat.layers.length} layers${left} over ${heat.first.length} stretches of steps, from ${this.show(this.scale.low)} to ${this.show(this.scale.high)}; arrow keys read single cells`);
    if (!this.said.textContent) this.said.textContent = `${heat.layers.length} layers from input to output${left}`;
  }

  /** The column of the cursor. */
  point(x: number | null): void {
    const { heat } = this;
    const middles = heat.first.map((f, i) => ({ x: this.board.at(this.run, (f + heat.last[i]!) / 2) }));
    const c = x === null ? -1 : nearest(middles, x);
    this.rule.hidden = c < 0;
    if (c >= 0) this.rule.style.left = `${((c + 0.5) / heat.first.length) * 100}%`;
  }

  private read(column: number, row: number, spoken: boolean): void {
    const { heat } = this;
    const value = toNumber(heat.columns[column]?.[row]);
    this.now = [column, row];
    this.cell.hidden = false;
    this.cell.style.cssText = `left:${(column / heat.first.length) * 100}%;width:${100 / heat.first.length}%;top:${row * this.rowHeight()}px;height:${this.rowHeight()}px`;
    const [a, b] = [heat.first[column]!, heat.last[column]!];
    const unit = this.board.runs[this.run]?.unit ?? "step";
    this.said.textContent = `${heat.layers[row] ?? ""}, ${unit} ${a === b ? human(a) : `${human(a)}–${human(b)}`}: ${this.show(value)}`;
    if (!spoken) this.board.point(this.board.at(this.run, (a + b) / 2));
  }

  private listen(): void {
    const { frame } = this;
    frame.addEventListener("pointermove", (event) => {
      const { left, top, width } = frame.getBoundingClientRect();
      const [columns, rows] = [this.heat.first.length, this.heat.layers.length];
      const column = Math.max(0, Math.min(columns - 1, Math.floor(((event.clientX - left) / width) * columns)));
      const row = Math.max(0, Math.min(rows - 1, Math.floor((event.clientY - top) / this.rowHeight())));
      if (columns) this.read(column, row, false);
    });
    const leave = () => { this.cell.hidden = true; this.now = null; this.board.point(this.board.pinned); };
    frame.addEventListener("pointerleave", leave);
    frame.addEventListener("blur", leave);
    frame.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!by || !this.heat.first.length) return;
      const [column, row] = this.now ?? [this.heat.first.length - 1, 0];
      const to = this.now ? [column + by[0]!, row + by[1]!] : [column, row];
      this.read(Math.max(0, Math.min(this.heat.first.length - 1, to[0]!)), Math.max(0, Math.min(this.heat.layers.length - 1, to[1]!)), true);
      event.preventDefault();
    });
  }
}
