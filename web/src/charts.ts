// Charts that Observable Plot draws: histograms, sizes, heat maps. Colours are variables of the style sheet, so that
// the theme can change under them. Each has a description in words beside it.

import * as Plot from "@observablehq/plot";
import { h } from "./h";
import { whenNear } from "./actions";
import type { Bins, Grid, Line } from "./types/report";
import { human, percent, thousands, toNumber } from "./words";

const BASE = { style: { background: "transparent", color: "var(--faint)", fontSize: "11px", overflow: "visible" } };

/** A figure whose drawing follows its width. */
export function responsive(label: string, height: number, draw: (width: number) => Element, ...caption: Node[]): HTMLElement {
  const frame = h("div", { class: "chart", role: "img", "aria-label": label, style: `min-height:${height}px` });
  let width = 0;
  const render = () => {
    const next = Math.floor(frame.clientWidth);
    if (next < 40 || next === width) return;
    width = next;
    const drawn = draw(width);
    drawn.setAttribute("aria-hidden", "true"); // the frame says it in words
    frame.replaceChildren(drawn);
  };
  whenNear(frame, () => { render(); new ResizeObserver(render).observe(frame); });
  return h("figure", {}, frame, caption.length ? h("figcaption", {}, ...caption) : null);
}

interface Bar { x1: number; x2: number; n: number }

/** Bars of counts between finite edges. */
export function barsOf(bins: Bins): Bar[] {
  const edges = bins.edges.map(toNumber);
  const whole = edges.length === bins.counts.length + 1 && edges.every(Number.isFinite);
  return bins.counts.map((n, i) => ({ x1: whole ? edges[i]! : i, x2: whole ? edges[i + 1]! : i + 1, n }));
}

/** Where most of a distribution lies, in words. */
export function describe(name: string, bins: Bins, show: (x: number) => string = human): string {
  const bars = barsOf(bins);
  const total = bars.reduce((sum, b) => sum + b.n, 0);
  if (total === 0) return `${name}: no values`;
  const top = bars.reduce((a, b) => (b.n > a.n ? b : a));
  return `${name}: ${thousands(total)} values, most (${percent(top.n / total)}) between ${show(top.x1)} and ${show(top.x2)}`;
}

export function histogram(name: string, bins: Bins, show: (x: number) => string = human, height = 120): HTMLElement {
  const bars = barsOf(bins).filter((b) => b.n > 0);
  const all = barsOf(bins);
  const low = all[0]?.x1 ?? 0;
  const high = all[all.length - 1]?.x2 ?? 1;
  return responsive(describe(name, bins, show), height, (width) => Plot.plot({
    ...BASE, width, height, marginLeft: 52, marginRight: 14, marginTop: 8, marginBottom: 22,
    x: { domain: low < high ? [low, high] : [low - 1, low + 1], tickFormat: show, ticks: Math.max(2, width / 90), label: null },
    y: { ticks: 3, label: null, tickFormat: (n: number) => (Number.isInteger(n) ? thousands(n) : ""), grid: true, nice: true },
    marks: [
      Plot.rectY(bars, { x1: "x1", x2: "x2", y1: 0, y2: "n", fill: "var(--bar)", insetLeft: 0.5, insetRight: 0.5,
        title: (b: Bar) => `${show(b.x1)} – ${show(b.x2)}: ${thousands(b.n)}` }),
      Plot.ruleY([0], { stroke: "var(--line)" }),
    ],
  }));
}

/** Sizes as dots: width against height, the area by count. */
export function sizes(list: readonly [number, number, number][]): HTMLElement {
  const [w, hgt, n] = list[0] ?? [0, 0, 0];
  return responsive(`sizes of pictures: ${list.length} different, most often ${w} × ${hgt} (${thousands(n)} pictures)`, 210, (width) => Plot.plot({
    ...BASE, width, height: 210, marginLeft: 44, marginRight: 14, marginBottom: 34, grid: true,
    x: { label: "width, px", nice: true, zero: true, ticks: 5 }, y: { label: "height, px", nice: true, zero: true, ticks: 5 }, r: { range: [1.5, 12] },
    marks: [Plot.dot(list, { x: (s) => s[0], y: (s) => s[1], r: (s) => s[2], fill: "var(--bar)", fillOpacity: 0.55, stroke: "var(--bar)",
      title: (s) => `${s[0]} × ${s[1]}: ${thousands(s[2])}` })],
  }));
}

/** A grid over the unit square; opacity by the square root of the count, so that few are seen beside many. */
export function heat(name: string, grid: Grid, x: string, y: string): HTMLElement {
  const side = grid.columns || 1;
  const cells = grid.counts.map((n, i) => ({ n, column: i % side, row: Math.floor(i / side) })).filter((c) => c.n > 0);
  const most = cells.reduce((m, c) => Math.max(m, c.n), 1);
  const total = cells.reduce((sum, c) => sum + c.n, 0);
  const peak = cells.find((c) => c.n === most);
  const words = peak ? `${name}: ${thousands(total)} boxes, most around ${percent((peak.column + 0.5) / side)} of the width and ${percent((peak.row + 0.5) / side)} of the height` : `${name}: no boxes`;
  return responsive(words, 250, (width) => {
    const edge = Math.min(width - 50, 190);
    return Plot.plot({
      ...BASE, width, height: edge + 60, marginLeft: 40, marginRight: width - 40 - edge, marginTop: 24, marginBottom: 36,
      x: { domain: [0, 1], tickFormat: "%", ticks: 3, label: x, labelAnchor: "left" },
      y: { domain: [0, 1], reverse: true, tickFormat: "%", ticks: 3, label: y, labelArrow: "down", labelOffset: 40 },
      opacity: { type: "identity" },
      marks: [
        Plot.frame({ stroke: "var(--line)", fill: "var(--raised)" }),
        Plot.rect(cells, { x1: (c) => c.column / side, x2: (c) => (c.column + 1) / side, y1: (c) => c.row / side, y2: (c) => (c.row + 1) / side,
          fill: "var(--heat)", fillOpacity: (c) => 0.12 + 0.88 * Math.sqrt(c.n / most),
          title: (c) => `${thousands(c.n)} at ${percent((c.column + 0.5) / side)}, ${percent((c.row + 0.5) / side)}` }),
      ],
    });
  });
}

/** Axes that are read evenly, however far they go. */
const STEPS = new Set(["step", "epoch", "line", "iteration", "episode", "row"]);

/** Lines over one axis; the ends of each are written beside it, so that colour is not needed to tell them apart. */
export function curves(name: string, x: string, ticks: readonly string[], lines: readonly Line[]): HTMLElement {
  const dots = lines.flatMap((line, i) => line.points.map(([px, py]) => ({ i, label: line.label, x: toNumber(px), y: toNumber(py) })))
    .filter((d) => Number.isFinite(d.x) && Number.isFinite(d.y));
  const ends = lines.map((_, i) => dots.filter((d) => d.i === i).at(-1)).filter((d) => d !== undefined);
  const words = `${name}, by ${x}: ${lines.map((line, i) => {
    const own = dots.filter((d) => d.i === i);
    return own.length ? `${line.label} from ${human(own[0]!.y)} to ${human(own.at(-1)!.y)}` : `${line.label} without values`;
  }).join("; ")}`;
  const spread = dots.length ? Math.max(...dots.map((d) => d.x)) / Math.max(1e-9, Math.min(...dots.map((d) => d.x))) : 1;
  const named = ticks.length > 0;
  return responsive(words, named ? 240 : 200, (width) => Plot.plot({
    ...BASE, width, height: named ? 240 : 200, marginLeft: named ? 64 : 44, marginRight: Math.min(width / 3, 14 + 6 * Math.max(...lines.map((line) => line.label.length), 1)), marginTop: 12, marginBottom: named ? 84 : 34,
    x: named
      ? { label: null, domain: [-0.3, ticks.length - 0.7], ticks: ticks.map((_, i) => i), tickFormat: (i: number) => ticks[i] ?? "", tickRotate: -32 }
      : { label: x, type: spread > 8 && !STEPS.has(x) ? "log" : "linear", tickFormat: human, ticks: 5 },
    y: { label: null, grid: true, ticks: 4, nice: true, tickFormat: human },
    marks: [
      lines.map((_, i) => Plot.line(dots.filter((d) => d.i === i), { x: "x", y: "y", stroke: `var(--class-${i % 10})`, strokeWidth: 1.8,
        ...(i % 2 ? { strokeDasharray: "5 3" } : {}) })),
      Plot.dot(dots, { x: "x", y: "y", r: 2.6, fill: (d: { i: number }) => `var(--class-${d.i % 10})`,
        title: (d: { label: string; x: number; y: number }) => `${d.label}, ${named ? ticks[d.x] ?? "" : human(d.x)}: ${human(d.y)}` }),
      // The higher end is written a little higher, so that two lines that meet can both be read.
      ends.map((d) => Plot.text([d], { x: "x", y: "y", text: "label", dx: 8, dy: 5 - 10 * ends.filter((o) => o.y < d.y || (o.y === d.y && o.i > d.i)).length, textAnchor: "start", fill: "var(--ink)" })),
    ],
  }));
}
