// One chart of the runs: lines with their spread, findings marked where they are, a cursor that all charts share.

import * as Plot from "@observablehq/plot";
import { h, put, svg } from "../h";
import type { Board, Drawn } from "../runs/board";
import { dotsOf, extent, isWide, nearest, powerTicks, smoothed, spansOf, ticksOf, type Chart, type Curve, type Dot } from "../runs/data";
import type { Severity } from "../types/report";
import { human, short, sinceStart } from "../words";

const HEIGHT = 190;
const MARGIN = { left: 52, right: 12, top: 16, bottom: 24 };
const DASHES = ["", "6 3", "2 2.5", "9 3 2 3"];
const NAMED = 10;
export const LETTERS: Record<Severity, string> = { error: "E", warning: "W", info: "I" };

interface Style { colour: string; dash: string; dotted: boolean }

/** Lines of one run: a colour and a dash each. Of several: those of the run, and dots on its second line. */
function styleOf(chart: Chart, curve: Curve, several: boolean): Style {
  const own = chart.curves.filter((c) => c.run === curve.run);
  const isAlone = own.length === chart.curves.length && (own.length > 2 || !several);
  if (isAlone) return look(own.indexOf(curve), false);
  return look(curve.run, own.indexOf(curve) % 2 === 1);
}

function look(k: number, dotted: boolean): Style {
  return { colour: `var(--class-${k % 10})`, dash: DASHES[k % DASHES.length]!, dotted };
}

/** A piece of the line as it is drawn. */
export function swatch(style: Style): SVGElement {
  return svg("svg", { class: "swatch", width: 22, height: 10, viewBox: "0 0 22 10", "aria-hidden": "true" },
    svg("line", { x1: 0, x2: 22, y1: 5, y2: 5, style: `stroke:${style.colour}`, "stroke-width": 2, "stroke-dasharray": style.dash || null }),
    style.dotted ? svg("circle", { cx: 11, cy: 5, r: 2.8, style: `fill:${style.colour}` }) : null);
}

/** The line of a run in the legend of runs. */
export function runSwatch(run: number): SVGElement {
  return swatch(look(run, false));
}

interface Band { x1: number; x2: number; severity: Severity; rule: string; isChosen: boolean }

/** The letters of findings above a chart, with the rule's name where there is room; the chosen one first. */
function lettered(bands: readonly Band[], px: (x: number) => number, width: number): { x: number; text: string; title: string; severity: Severity; isLeft: boolean }[] {
  const room = (band: Band, text: string): [number, number] => {
    const [at, long] = [px(band.x1), 7 * text.length + 6];
    return at + long > width ? [at - long, at] : [at, at + long];
  };
  const taken: [number, number][] = [];
  const isFree = ([a, b]: [number, number]) => a >= 0 && !taken.some(([l, r]) => a < r && b > l);
  const ranked = bands.slice().sort((a, b) => Number(b.isChosen) - Number(a.isChosen));
  const placed = ranked.filter((band) => {
    const place = room(band, LETTERS[band.severity]);
    return isFree(place) && taken.push(place) > 0;
  });
  return placed.map((band) => {
    const whole = `${LETTERS[band.severity]} ${band.rule}`;
    const [a, b] = room(band, whole);
    const others = placed.filter((o) => o !== band).map((o) => room(o, LETTERS[o.severity]));
    const text = (band.isChosen || placed.length === 1) && a >= 0 && !others.some(([l, r]) => a < r && b > l) ? whole : LETTERS[band.severity];
    return { x: band.x1, text, title: `${band.severity}: ${band.rule}`, severity: band.severity, isLeft: room(band, text)[0] < px(band.x1) };
  });
}

interface Shown { curve: Curve; style: Style; raw: Dot[]; line: Dot[] }

export class CurveChart implements Drawn {
  readonly figure: HTMLElement;
  readonly frame: HTMLElement;
  private drawing = h("div", { class: "drawing", "aria-hidden": "true" });
  private rule = h("div", { class: "cursor", hidden: true });
  private readout = h("ul", { class: "readout" });
  private note = h("p", { class: "faint note" });
  private said = h("p", { class: "offscreen", "aria-live": "polite" });
  private shown: Shown[] = [];
  /** How far from a line its values may be read. */
  private reach = 0;
  private toPixel: ((x: number) => number) | null = null;
  private fromPixel: ((px: number) => number) | null = null;
  findings = new Set<number>();

  constructor(private board: Board, public chart: Chart) {
    this.frame = h("div", { class: "chart curve", tabindex: "0", role: "application", style: `min-height:${HEIGHT}px` }, this.drawing, this.rule);
    this.figure = h("figure", { class: "panel", "data-title": chart.title }, h("h4", {}, chart.title), this.frame, this.readout, this.note, this.said);
    this.listen();
    board.follow(this);
  }

  private values(): Shown[] {
    const { board, chart } = this;
    return chart.curves.filter((c) => !board.hidden.has(c.run)).map((curve) => {
      const raw = dotsOf(curve.series, board.axis);
      return { curve, style: styleOf(chart, curve, board.runs.length > 1), raw, line: smoothed(raw, board.smoothing) };
    });
  }

  draw(): void {
    const width = Math.floor(this.frame.clientWidth);
    if (width < 40) return;
    this.frame.dataset.width = String(width);
    this.shown = this.values();
    const { range } = this.board;
    const inside = (d: Dot) => !range || (d.x >= range[0] && d.x <= range[1]);
    const xs = range ?? extent(this.shown.flatMap((s) => [...s.raw.map((d) => d.x), ...this.brokenAt(s.curve)]), false) ?? [0, 1];
    const all = (positive: boolean) => extent(this.shown.flatMap((s) => [...s.raw.filter(inside).flatMap((d) => (this.board.smoothing ? [d.y] : [d.low, d.high])), ...s.line.filter(inside).map((d) => d.y)]), positive);
    const [whole, positive] = [all(false), all(true)];
    const log = positive !== null && (this.board.scale === "logarithmic" || (this.board.scale === "automatic" && isWide(this.chart.group, whole)));
    this.note.textContent = log && whole && whole[0] <= 0 ? "values of 0 and below are not shown on the logarithmic scale" : "";
    this.frame.dataset.scale = log ? "log" : "linear";
    const plot = this.plot(width, xs, log ? positive : whole, log) as unknown as SVGElement & { scale(name: string): { apply(v: number): number; invert(px: number): number } };
    const x = plot.scale("x");
    this.reach = (xs[1] - xs[0]) * 0.05;
    this.toPixel = (v) => x.apply(v);
    this.fromPixel = (px) => x.invert(px);
    this.drawing.replaceChildren(plot);
    this.frame.setAttribute("aria-label", this.describe(log));
    this.point(this.board.cursor);
  }

  private plot(width: number, xs: [number, number], ys: [number, number] | null, log: boolean): Element {
    const clip = this.board.range || log ? { clip: true as const } : {};
    const keep = (dots: Dot[]) => (log ? dots.filter((d) => d.y > 0) : dots);
    const [a, b] = xs[0] < xs[1] ? xs : [xs[0] - 0.5, xs[0] + 0.5];
    const flat = ys && ys[0] === ys[1] ? (log ? [ys[0] / 2, ys[0] * 2] : [ys[0] - (Math.abs(ys[0]) || 1) / 2, ys[0] + (Math.abs(ys[0]) || 1) / 2]) : ys;
    const isSmooth = this.board.smoothing > 0;
    return Plot.plot({
      width, height: HEIGHT, marginLeft: MARGIN.left, marginRight: MARGIN.right, marginTop: MARGIN.top, marginBottom: MARGIN.bottom,
      style: { background: "transparent", color: "var(--faint)", fontSize: "11px", overflow: "visible" },
      x: { domain: [a, b], label: null, ticks: ticksOf(a, b, Math.max(2, width / 62), this.board.axis), tickFormat: this.board.axis === "time" ? sinceStart : short, tickSize: 4 },
      y: { domain: flat ?? [0, 1], type: log ? "log" : "linear", label: null, grid: true, nice: !log, ticks: log && flat ? powerTicks(flat[0]!, flat[1]!) : 4, tickFormat: short, tickSize: 0 },
      marks: [
        this.marks([a, b], width),
        this.shown.map(({ style, raw }) => (isSmooth ? [] : [Plot.areaY(log ? raw.filter((d) => d.low > 0) : raw, { x: "x", y1: "low", y2: "high", fill: style.colour, fillOpacity: 0.16, ...clip })])),
        this.shown.map(({ style, raw }) => (isSmooth ? [Plot.line(keep(raw), { x: "x", y: "y", stroke: style.colour, strokeWidth: 1, strokeOpacity: 0.3, ...clip })] : [])),
        this.shown.map(({ style, line }) => [Plot.line(keep(line), { x: "x", y: "y", stroke: style.colour, strokeWidth: 1.7, ...(style.dash ? { strokeDasharray: style.dash } : {}), ...clip }),
          style.dotted || line.length === 1 ? Plot.dot(keep(line.length <= 60 ? line : line.filter((_, i) => i % Math.ceil(line.length / 30) === 0)), { x: "x", y: "y", r: 2.4, fill: style.colour, ...clip }) : null]),
      ],
    });
  }

  /** Findings as bands with their letter, restarts and the first value that is no number as lines. */
  private marks([a, b]: [number, number], width: number): Plot.Markish[] {
    const { board } = this;
    const visible = (x: number) => x >= a && x <= b;
    const bands = this.bands().filter((s) => s.x1 <= b && s.x2 >= a).map((s) => ({ ...s, x1: Math.max(a, s.x1), x2: Math.min(b, s.x2) }));
    const px = (x: number) => MARGIN.left + ((x - a) / (b - a)) * (width - MARGIN.left - MARGIN.right);
    const broken = this.shown.flatMap(({ curve }) => this.brokenAt(curve).slice(0, 1)).filter(visible).sort((x, y) => x - y).slice(0, 1);
    const restarts = board.runs.flatMap((run, r) => (board.hidden.has(r) ? [] : run.restarts.map((s) => board.at(r, s)))).filter(visible);
    return [
      bands.map((s) => Plot.rectX([s], { x1: "x1", x2: "x2", fill: `var(--${s.severity})`, fillOpacity: s.isChosen ? 0.17 : 0.07 })),
      Plot.ruleX(restarts, { stroke: "var(--strong-line)", strokeDasharray: "1 3", title: () => "restarted here" }),
      bands.map((s) => Plot.ruleX([s.x1], { stroke: `var(--${s.severity})`, strokeWidth: s.isChosen ? 2.4 : 1.2, strokeDasharray: s.severity === "error" ? "" : "4 2" })),
      lettered(bands, px, width).map((l) => Plot.text([l.x], { x: [l.x], text: [l.text], title: [l.title], frameAnchor: "top", textAnchor: l.isLeft ? "end" : "start", dx: l.isLeft ? -3 : 2, dy: -13, fill: `var(--${l.severity})`, fontWeight: 600 })),
      broken.length ? Plot.ruleX(broken, { stroke: "var(--error)", strokeDasharray: "2 2" }) : null,
      broken.length ? Plot.text(broken, { x: broken, text: ["NaN or ∞"], frameAnchor: "bottom", dy: -4, dx: px(broken[0]!) > width / 2 ? -4 : 4, textAnchor: px(broken[0]!) > width / 2 ? "end" : "start", fill: "var(--error)", stroke: "var(--card)", strokeWidth: 4 }) : null,
    ];
  }

  /** Where the first and the last value are that is no number. */
  private brokenAt({ run, series }: Curve): number[] {
    return series.broken ? [series.broken.first, series.broken.last].map((step) => this.board.at(run, step)) : [];
  }

  private bands(): Band[] {
    const { board } = this;
    return spansOf(board.document, board.runs).filter((s) => this.findings.has(s.finding) && !board.hidden.has(s.run)).map((s) => {
      const { severity, rule } = board.document.findings[s.finding]!;
      return { x1: board.at(s.run, s.first), x2: board.at(s.run, s.last), severity, rule, isChosen: s.finding === board.finding };
    });
  }

  private describe(log: boolean): string {
    const lines = this.shown.map(({ curve, raw }) => (raw.length ? `${curve.label} from ${human(raw[0]!.y)} to ${human(raw.at(-1)!.y)}` : `${curve.label} without numbers`));
    return `${this.chart.title} by ${this.board.unit()}${log ? ", logarithmic" : ""}: ${lines.slice(0, NAMED).join("; ")}; arrow keys read values, plus and minus zoom`;
  }

  /** The values at a place, or the newest. */
  point(x: number | null): void {
    const at = x === null || !this.toPixel ? NaN : this.toPixel(x);
    const isInside = at >= MARGIN.left - 1 && at <= this.frame.clientWidth - MARGIN.right + 1;
    this.rule.hidden = !isInside;
    if (isInside) this.rule.style.left = `${at}px`;
    this.rule.classList.toggle("pinned", this.board.pinned !== null && x === this.board.pinned);
    const items = this.shown.slice(0, NAMED).map(({ curve, style, line, raw }) => {
      const i = x === null ? raw.length - 1 : nearest(raw, x);
      const [dot, smooth] = [raw[i], line[i]];
      const { broken } = curve.series;
      const isBroken = broken?.is_last && (x === null || x >= this.board.at(curve.run, broken.first));
      const isFar = x !== null && this.reach > 0 && (x > (raw.at(-1)?.x ?? x) + this.reach || x < (raw[0]?.x ?? x) - this.reach);
      const value = isBroken ? "NaN or ∞" : dot && smooth && !isFar ? human(smooth.y) : "–";
      return h("li", {}, swatch(style), h("span", { class: "name", title: curve.series.tag }, curve.label), h("b", {}, value), dot && x !== null && !isBroken && !isFar ? h("span", { class: "faint" }, this.place(dot)) : null);
    });
    const rest = this.shown.length - items.length;
    put(this.readout, items, rest > 0 ? h("li", { class: "faint" }, `and ${rest} more`) : null);
  }

  private place(dot: Dot): string {
    return this.board.axis === "time" ? sinceStart(dot.x) : `@ ${human(Math.round(dot.step))}`;
  }

  private listen(): void {
    const { frame, board } = this;
    const at = (event: MouseEvent) => {
      const px = event.clientX - frame.getBoundingClientRect().left;
      return this.fromPixel ? this.fromPixel(Math.max(MARGIN.left, Math.min(frame.clientWidth - MARGIN.right, px))) : null;
    };
    let from: { x: number; px: number } | null = null;
    const band = h("div", { class: "brush", hidden: true });
    frame.append(band);
    frame.addEventListener("pointerdown", (e) => { const x = at(e); if (x !== null && e.button === 0) from = { x, px: e.clientX }; });
    frame.addEventListener("pointermove", (e) => {
      board.point(at(e));
      const left = frame.getBoundingClientRect().left;
      band.hidden = !from || e.pointerType === "touch" || Math.abs(e.clientX - from.px) < 8;
      if (from && !band.hidden) { band.style.left = `${Math.min(from.px, e.clientX) - left}px`; band.style.width = `${Math.abs(e.clientX - from.px)}px`; }
    });
    frame.addEventListener("pointerup", (e) => {
      const to = at(e);
      if (from && to !== null && e.pointerType !== "touch" && Math.abs(e.clientX - from.px) >= 8) this.zoom(Math.min(from.x, to), Math.max(from.x, to));
      from = null;
      band.hidden = true;
    });
    frame.addEventListener("pointerleave", () => { from = null; band.hidden = true; board.point(board.pinned); });
    frame.addEventListener("dblclick", () => this.zoom(null, null));
    frame.addEventListener("blur", () => board.point(board.pinned));
    frame.addEventListener("keydown", (event) => { if (this.key(event.key)) event.preventDefault(); });
  }

  private zoom(a: number | null, b: number | null): void {
    this.board.range = a === null || b === null || !(a < b) ? null : [a, b];
    this.board.changed();
    this.board.point(this.board.cursor);
  }

  private key(key: string): boolean {
    const { board } = this;
    const dots = this.shown.reduce<Dot[]>((best, s) => (s.raw.length > best.length ? s.raw : best), []);
    if (!dots.length) return false;
    const now = board.cursor === null ? dots.length - 1 : nearest(dots, board.cursor);
    const by = { ArrowLeft: -1, ArrowRight: 1, PageDown: 20, PageUp: -20, Home: -dots.length, End: dots.length }[key];
    if (by !== undefined) {
      const dot = dots[Math.max(0, Math.min(dots.length - 1, now + by))]!;
      board.point(dot.x);
      this.said.textContent = `${this.place(dot)}: ${[...this.readout.querySelectorAll("li")].slice(0, NAMED).map((li) => `${li.querySelector(".name")?.textContent ?? ""} ${li.querySelector("b")?.textContent ?? ""}`).join(", ")}`;
      return true;
    }
    if (key === "+" || key === "-") {
      const [a, b] = board.range ?? [dots[0]!.x, dots.at(-1)!.x];
      const half = ((b - a) / 2) * (key === "+" ? 0.5 : 2);
      const centre = board.cursor ?? (a + b) / 2;
      if (centre - half <= dots[0]!.x && centre + half >= dots.at(-1)!.x) this.zoom(null, null);
      else this.zoom(centre - half, centre + half);
      return true;
    }
    if (key === "Escape") { this.zoom(null, null); board.release(); return true; }
    return false;
  }
}
