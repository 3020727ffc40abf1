// Runs as charts want them: which series share a chart, where points lie, how they are smoothed, where findings are.

import type { Document, Finding, RunFacts, SeriesFacts, SeriesGroup } from "../types/report";
import { toNumber } from "../words";

export type Axis = "step" | "time";

/** A point of a drawn line: the mean of a stretch, with its extremes. */
export interface Dot { x: number; y: number; low: number; high: number; step: number }

/** One line of a chart. */
export interface Curve { run: number; series: SeriesFacts; label: string }

/** Series that share a chart. */
export interface Chart { key: string; group: SeriesGroup; title: string; curves: Curve[] }

export const GROUPS: [SeriesGroup, string][] = [["loss", "Loss"], ["metric", "Metrics"], ["learning_rate", "Learning rate"], ["gradient", "Gradients"],
  ["time", "Time"], ["memory", "Memory"], ["other", "Others"]];

/** Runs are called A, B … Z, then A1, B1 … */
export function letter(run: number): string {
  return String.fromCharCode(65 + (run % 26)) + (run >= 26 ? String(Math.floor(run / 26)) : "");
}

/** The charts of all runs, by group; within a group as they were logged. */
export function chartsOf(runs: readonly RunFacts[]): Chart[] {
  const charts = new Map<string, Chart>();
  runs.forEach((run, r) => run.series.forEach((series) => {
    const key = `${series.group}\n${series.chart}`;
    const chart = charts.get(key) ?? { key, group: series.group, title: series.chart, curves: [] };
    chart.curves.push({ run: r, series, label: "" });
    charts.set(key, chart);
  }));
  const rank = (c: Chart) => GROUPS.findIndex(([g]) => g === c.group);
  const all = [...charts.values()].sort((a, b) => rank(a) - rank(b));
  all.forEach((chart) => nameCurves(chart, runs.length > 1));
  return all;
}

/** Names each curve by its part, by its name or by its tag: the first that tells it from the others of its run. */
function nameCurves(chart: Chart, several: boolean): void {
  for (const curve of chart.curves) {
    const own = chart.curves.filter((c) => c.run === curve.run);
    const tells = (of: (s: SeriesFacts) => string) => {
      const name = of(curve.series);
      return name !== "" && own.filter((c) => of(c.series) === name).length === 1 ? name : null;
    };
    const name = tells((s) => s.part) ?? tells((s) => s.name) ?? curve.series.tag;
    curve.label = several ? `${letter(curve.run)} ${name}` : name;
  }
}

/** The points of a series along an axis; stretches without a time are left out where the axis is time. */
export function dotsOf(series: SeriesFacts, axis: Axis): Dot[] {
  const dots: Dot[] = [];
  series.mean.forEach((mean, i) => {
    const step = (series.first[i]! + series.last[i]!) / 2;
    const [x, y] = [axis === "step" ? step : toNumber(series.time[i]), toNumber(mean)];
    if (Number.isFinite(x) && Number.isFinite(y)) dots.push({ x, y, low: toNumber(series.min[i]), high: toNumber(series.max[i]), step });
  });
  return dots;
}

/** Exponential moving average that is not drawn to zero at its start (as TensorBoard smooths; Kingma & Ba 2015, section 3). */
export function smoothed(dots: readonly Dot[], weight: number): Dot[] {
  if (weight <= 0) return dots.slice();
  let last = 0;
  let left = 1;
  return dots.map((dot) => {
    last = last * weight + (1 - weight) * dot.y;
    left *= weight;
    return { ...dot, y: last / (1 - left) };
  });
}

/** Index of the dot nearest to `x`; −1 of none. Dots rise in x. */
export function nearest(dots: readonly { x: number }[], x: number): number {
  let [low, high] = [0, dots.length - 1];
  if (high < 0) return -1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (dots[middle]!.x <= x) low = middle; else high = middle;
  }
  return Math.abs(dots[high]!.x - x) < Math.abs(dots[low]!.x - x) ? high : low;
}

/** Seconds from the start of a run to a step, between the stretches of its longest series. */
export function timeAt(run: RunFacts, step: number): number {
  const longest = run.series.reduce<SeriesFacts | null>((a, b) => (!a || b.mean.length > a.mean.length ? b : a), null);
  if (!longest) return NaN;
  const known = longest.last.map((x, i) => ({ x, time: toNumber(longest.time[i]) })).filter((d) => Number.isFinite(d.time));
  const after = known.findIndex((d) => d.x >= step);
  if (after < 0) return known.at(-1)?.time ?? NaN;
  const [a, b] = [known[after - 1], known[after]!];
  if (!a || b.x === a.x) return b.time;
  return a.time + ((step - a.x) / (b.x - a.x)) * (b.time - a.time);
}

/** Where a finding is on the axis of a run. */
export interface Span { finding: number; run: number; first: number; last: number }

/** The steps of findings, each in every run that it is about. */
export function spansOf(document: Document, runs: readonly RunFacts[]): Span[] {
  return runs.flatMap((run, r) => run.findings.flatMap((finding) => {
    const places = document.findings[finding]?.places ?? [];
    return places.flatMap((p) => (p.kind === "steps" ? [{ finding, run: r, first: p.first, last: p.last }] : []));
  }));
}

/** Tags that a finding names, in its message or under its curves. */
export function namedTags(finding: Finding): Set<string> {
  const tags = new Set(finding.message.split("`").filter((_, i) => i % 2 === 1));
  for (const e of finding.evidence) {
    if (e.kind === "curves") e.lines.forEach((line) => tags.add(line.label));
  }
  return tags;
}

/** Findings that are marked on each chart, by its key: those that name a series of it; of the others, on the loss. */
export function marked(document: Document, charts: readonly Chart[]): Map<string, Set<number>> {
  const on = new Map<string, Set<number>>(charts.map((c) => [c.key, new Set()]));
  document.findings.forEach((finding, i) => {
    const tags = namedTags(finding);
    const named = charts.filter((c) => c.curves.some((curve) => tags.has(curve.series.tag)));
    const chosen = named.length ? named : charts.filter((c) => c.group === "loss" && c.title === "loss");
    (chosen.length ? chosen : charts.slice(0, 1)).forEach((c) => on.get(c.key)?.add(i));
  });
  return on;
}

/** The least and the greatest; logarithmic scales take what is above zero only. */
export function extent(values: Iterable<number>, positive: boolean): [number, number] | null {
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) {
    if (!Number.isFinite(v) || (positive && v <= 0)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return low <= high ? [low, high] : null;
}

/** Where values that differ by powers of ten are read best on a logarithmic scale. */
export function isWide(group: SeriesGroup, range: [number, number] | null): boolean {
  return range !== null && range[0] > 0 && (group === "loss" || group === "gradient") && range[1] / range[0] > 100;
}

/** Puts what the live page was sent into what it has: of a list that grew, only what changed is there. */
export function grown<T extends { from: number; first: number[]; last: number[] }>(old: T | undefined, sent: T, lists: readonly (keyof T)[]): T {
  if (sent.from === 0) return sent;
  if (!old || old.first.length < sent.from) throw new Error("a part is missing");
  const whole = { ...sent, from: 0 };
  for (const name of lists) whole[name] = [...(old[name] as unknown[]).slice(0, sent.from), ...(sent[name] as unknown[])] as T[keyof T];
  return whole;
}

/** The runs as they are now, from what was there and what was sent. */
export function grownRuns(old: readonly RunFacts[], sent: readonly RunFacts[]): RunFacts[] {
  return sent.map((run, r) => {
    const before = old[r]?.name === run.name ? old[r] : old.find((o) => o.name === run.name);
    return {
      ...run,
      series: run.series.map((s, i) => grown(before?.series[i]?.tag === s.tag ? before.series[i] : before?.series.find((o) => o.tag === s.tag), s,
        ["first", "last", "time", "mean", "min", "max"])),
      layers: run.layers.map((l) => {
        const known = before?.layers.find((o) => o.name === l.name);
        return { ...grown(known, l, ["first", "last", "columns"]), layers: l.from === 0 ? l.layers : known?.layers ?? [] };
      }),
    };
  });
}

const TIMES = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

/** About `n` round places between two, of steps or of seconds. */
export function ticksOf(a: number, b: number, n: number, axis: Axis): number[] {
  if (!(b > a)) return [a];
  const least = (b - a) / Math.max(1, n);
  const power = 10 ** Math.floor(Math.log10(least));
  const decimal = (unit: number) => [1, 2, 2.5, 5, 10].map((m) => m * unit).find((s) => s >= least * 0.999) ?? least;
  const by = axis === "step" ? Math.max(1, Math.round(decimal(power))) : least <= 1 ? decimal(power)
    : TIMES.find((s) => s >= least) ?? 86400 * Math.ceil(least / 86400);
  const ticks: number[] = [];
  for (let k = Math.ceil(a / by - 1e-9); k * by <= b + by * 1e-9 && ticks.length < 100; k++) ticks.push(k * by + 0); // never −0
  return ticks;
}

/** Powers of ten between two, with 2 and 5 where there are few. */
export function powerTicks(a: number, b: number): number[] {
  const [low, high] = [Math.floor(Math.log10(a)), Math.ceil(Math.log10(b))];
  const every = Math.max(1, Math.ceil((high - low) / 6));
  const within = (list: number[]) => list.filter((v) => v >= a * 0.999 && v <= b * 1.001);
  const powers = Array.from({ length: high - low + 1 }, (_, i) => low + i);
  const whole = within(powers.filter((p) => p % every === 0).map((p) => 10 ** p));
  return whole.length >= 3 ? whole : within(powers.flatMap((p) => [1, 2, 5].map((m) => m * 10 ** p)));
}
