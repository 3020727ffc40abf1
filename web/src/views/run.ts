// Training runs: findings over time, charts of everything that was logged, layers as heat maps. All of it can be brought
// up to date in place while a run goes on.

import { h, put, type Child } from "../h";
import { Board, type Scale } from "../runs/board";
import { chartsOf, GROUPS, letter, marked, type Axis, type Chart } from "../runs/data";
import type { Document, RunFacts } from "../types/report";
import { countOf, toNumber } from "../words";
import { CurveChart, runSwatch } from "./curve";
import { HeatMap } from "./layers";
import { Timeline } from "./timeline";

/** A group with more charts than this is folded at first, where it is not one of those that everybody looks at. */
const MANY = 12;

interface Group { box: HTMLDetailsElement; charts: HTMLElement; count: HTMLElement }

export class RunsView {
  readonly board: Board;
  readonly sections: HTMLElement[];
  private timeline: Timeline;
  private curves: HTMLElement;
  private layers: HTMLElement;
  private charts = new Map<string, CurveChart>();
  private groups = new Map<string, Group>();
  private boxes = h("div", { class: "chart-groups" });
  private heats = new Map<string, HeatMap>();
  private heatPanels = h("div", { class: "panels wide" });
  private legend = h("ul", { class: "legend runs", "aria-label": "runs" });
  private whole = h("button", { type: "button", hidden: true, onclick: () => { this.board.range = null; this.board.changed(); this.board.point(this.board.cursor); } }, "show the whole run");
  private axis: HTMLElement;
  private query = "";
  private none = h("p", { class: "faint", role: "status", hidden: true }, "no chart of this name");

  constructor(document: Document, runs: RunFacts[]) {
    this.board = new Board(document, runs);
    this.timeline = new Timeline(this.board);
    this.axis = this.axisChoice();
    this.curves = h("section", { id: "curves", "aria-labelledby": "curves-title" }, h("h2", { id: "curves-title" }, "Curves"), this.controls(), this.legend, this.none, this.boxes);
    this.layers = h("section", { id: "layers", "aria-labelledby": "layers-title" }, h("h2", { id: "layers-title" }, "Layers"), this.heatPanels);
    this.sections = [this.timeline.section, this.curves, this.layers];
    this.board.onCursor(() => { this.whole.hidden = this.board.range === null; });
    this.update(document, runs);
  }

  /** Brings everything up to date. */
  update(document: Document, runs: RunFacts[]): void {
    this.board.document = document;
    this.board.runs = runs;
    this.drawLegend();
    this.updateCharts();
    this.updateHeats();
    this.timeline.draw();
    this.axis.hidden = !runs.some((r) => r.series.some((s) => s.time.some((t) => Number.isFinite(toNumber(t)))));
    this.board.changed();
  }

  private updateCharts(): void {
    const charts = chartsOf(this.board.runs);
    const marks = marked(this.board.document, charts);
    for (const chart of charts) {
      const known = this.charts.get(chart.key);
      const drawn = known ?? new CurveChart(this.board, chart);
      drawn.chart = chart;
      drawn.findings = marks.get(chart.key) ?? new Set();
      if (known) continue;
      this.charts.set(chart.key, drawn);
      this.group(chart).charts.append(drawn.figure);
    }
    for (const [key, drawn] of this.charts) {
      if (charts.some((c) => c.key === key)) continue;
      this.board.leave(drawn);
      drawn.figure.remove();
      this.charts.delete(key);
    }
    this.filter();
    for (const [name, group] of this.groups) {
      if (!group.box.dataset.folded) {
        group.box.dataset.folded = "decided";
        group.box.open = group.charts.children.length <= MANY || name === "loss";
      }
    }
  }

  private group(chart: Chart): Group {
    const known = this.groups.get(chart.group);
    if (known) return known;
    const count = h("span", { class: "faint" });
    const charts = h("div", { class: "panels" });
    const words = GROUPS.find(([g]) => g === chart.group)?.[1] ?? chart.group;
    const box = h("details", { class: "chart-group", "data-rank": GROUPS.findIndex(([g]) => g === chart.group) }, h("summary", {}, h("h3", {}, words), count), charts);
    const after = [...this.boxes.querySelectorAll<HTMLElement>("details.chart-group")].find((d) => Number(d.dataset.rank) > Number(box.dataset.rank));
    if (after) after.before(box); else this.boxes.append(box);
    const made = { box, charts, count };
    this.groups.set(chart.group, made);
    return made;
  }

  /** Shows the charts whose name, or one of whose tags, holds what is searched for. */
  private filter(): void {
    const query = this.query.toLowerCase();
    const fits = (c: Chart) => !query || c.title.toLowerCase().includes(query) || c.curves.some((s) => s.series.tag.toLowerCase().includes(query));
    let shown = 0;
    const count = new Map<string, [number, number]>();
    for (const { chart, figure } of this.charts.values()) {
      figure.hidden = !fits(chart);
      const [a, b] = count.get(chart.group) ?? [0, 0];
      count.set(chart.group, [a + Number(!figure.hidden), b + 1]);
      shown += Number(!figure.hidden);
    }
    for (const [name, group] of this.groups) {
      const [a, b] = count.get(name) ?? [0, 0];
      group.box.hidden = a === 0;
      group.box.dataset.wide = String(Math.max(1, Math.min(3, a)));
      group.count.textContent = a === b ? countOf(b, "chart") : `${a} of ${countOf(b, "chart")}`;
      if (query && a > 0) group.box.open = true;
    }
    this.none.hidden = shown > 0;
    this.curves.hidden = this.charts.size === 0;
  }

  private updateHeats(): void {
    const several = this.board.runs.length > 1;
    const seen = new Set<string>();
    this.board.runs.forEach((run, r) => run.layers.forEach((heat) => {
      const key = `${run.name}\n${heat.name}`;
      seen.add(key);
      const known = this.heats.get(key);
      if (known) { known.heat = heat; known.run = r; return; }
      const made = new HeatMap(this.board, r, heat, `${several ? `${letter(r)} ` : ""}${heat.name}`);
      this.heats.set(key, made);
      this.heatPanels.append(made.figure);
    }));
    for (const [key, map] of this.heats) {
      map.figure.hidden = !seen.has(key) || this.board.hidden.has(map.run);
    }
    this.layers.hidden = seen.size === 0;
  }

  /** A button a run: pressed while its lines are shown. */
  private drawLegend(): void {
    const { board } = this;
    this.legend.hidden = board.runs.length < 2;
    if (this.legend.children.length === board.runs.length) return;
    put(this.legend, board.runs.map((run, r) => {
      const button: HTMLButtonElement = h("button", { type: "button", "aria-pressed": "true", onclick: () => {
        if (board.hidden.has(r)) board.hidden.delete(r); else board.hidden.add(r);
        button.setAttribute("aria-pressed", String(!board.hidden.has(r)));
        this.updateHeats();
        board.changed();
      } }, runSwatch(r), h("b", {}, letter(r)), h("span", {}, run.name));
      return h("li", {}, button);
    }));
  }

  private choice<T extends string>(name: string, options: [T, string][], change: (value: T) => void): HTMLElement {
    const select = h("select", { onchange: () => change(select.value as T) }, options.map(([v, words]) => h("option", { value: v }, words)));
    return h("label", {}, h("span", {}, name), select);
  }

  /** Goes to where a finding begins, and shows the charts. */
  jump(finding: number): void {
    this.rejump(finding);
    this.curves.scrollIntoView();
    this.charts.values().next().value?.frame.focus({ preventScroll: true });
  }

  private axisChoice(): HTMLElement {
    return this.choice<Axis>("axis", [["step", "steps"], ["time", "time since the start"]], (axis) => {
      this.board.axis = axis;
      this.board.range = null;
      const span = this.board.finding;
      if (span === null) this.board.release();
      else this.rejump(span);
      this.board.changed();
    });
  }

  /** Goes to a finding again, on another axis. */
  private rejump(finding: number): void {
    const place = this.board.document.findings[finding]?.places.find((p) => p.kind === "steps");
    const run = Math.max(0, this.board.runs.findIndex((r) => r.findings.includes(finding)));
    this.board.jump(finding, run, place?.kind === "steps" ? place.first : null);
  }

  private controls(): Child {
    const { board } = this;
    const scale = this.choice<Scale>("scale", [["automatic", "automatic"], ["linear", "linear"], ["logarithmic", "logarithmic"]], (value) => { board.scale = value; board.changed(); });
    const amount = h("output", {}, "0");
    const slider = h("input", { type: "range", min: 0, max: 0.99, step: 0.01, value: 0, oninput: () => {
      board.smoothing = Number(slider.value);
      amount.textContent = slider.value;
      board.changed();
    } });
    const search = h("input", { type: "search", placeholder: "name or tag", oninput: () => { this.query = search.value.trim(); this.filter(); } });
    return h("form", { class: "controls sticky", "aria-label": "how curves are drawn", onsubmit: (e: Event) => e.preventDefault() },
      scale, this.axis, h("label", {}, h("span", {}, "smoothing"), slider, amount), h("label", {}, h("span", {}, "find"), search), this.whole);
  }
}
