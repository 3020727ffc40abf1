// The findings over the steps of the runs, a line each: a click jumps to the step in the charts and opens the finding.

import { h, prose, put } from "../h";
import type { Board } from "../runs/board";
import { extent, letter, spansOf, ticksOf, type Span } from "../runs/data";
import { action, human, placeLines, sinceStart } from "../words";
import { severity } from "./finding";

/** The finding in short: what was seen, what to do first, and where the rest is. */
function opened(board: Board, index: number): HTMLElement | null {
  const finding = board.document.findings[index];
  if (!finding) return null;
  const first = finding.remedies[0];
  return h("div", { class: "opened" },
    h("p", {}, prose(finding.message)),
    first ? h("p", {}, h("span", { class: "faint" }, "what to do: "), prose(action(first))) : null,
    h("p", { class: "faint" }, finding.places.flatMap(placeLines).slice(0, 6).join(", ")),
    h("p", {}, h("a", { href: `#finding-${index + 1}` }, "proof and remedies"), " ",
      h("button", { type: "button", class: "copy", onclick: () => board.release() }, "close")));
}

export class Timeline {
  readonly section: HTMLElement;
  private list = h("ol", { class: "timeline" });
  private axis = h("div", { class: "axis", "aria-hidden": "true" });
  private built = "";

  constructor(private board: Board) {
    this.section = h("section", { id: "timeline", "aria-labelledby": "timeline-title" },
      h("h2", { id: "timeline-title" }, "Findings over the run"), this.list, this.axis);
    board.onCursor(() => this.draw());
    this.draw();
  }

  /** The axis from the first to the last step of all runs. */
  private whole(): [number, number] {
    const { board } = this;
    const ends = board.runs.flatMap((run, r) => run.series.flatMap((s) => (s.first.length ? [board.at(r, s.first[0]!), board.at(r, s.last.at(-1)!)] : [])).concat(run.last_step ? [board.at(r, run.last_step)] : []));
    const spans = spansOf(board.document, board.runs).flatMap((s) => [board.at(s.run, s.first), board.at(s.run, s.last)]);
    const [a, b] = extent([...ends, ...spans], false) ?? [0, 1];
    return a < b ? [a, b] : [a, a + 1];
  }

  private bar(span: Span, [a, b]: [number, number]): HTMLElement {
    const finding = this.board.document.findings[span.finding]!;
    const [first, last] = [this.board.at(span.run, span.first), this.board.at(span.run, span.last)];
    const left = ((first - a) / (b - a)) * 100;
    const width = Math.max(0, ((last - first) / (b - a)) * 100);
    return h("i", { class: `bar ${finding.severity}`, style: `left:${Math.min(99.2, left).toFixed(2)}%;width:${Math.min(100 - left, width).toFixed(2)}%` });
  }

  private row(index: number, spans: Span[], whole: [number, number]): HTMLElement {
    const { board } = this;
    const finding = board.document.findings[index]!;
    const own = spans.filter((s) => s.finding === index);
    const first = own[0];
    const runs = board.runs.flatMap((run, r) => (run.findings.includes(index) ? [letter(r)] : []));
    const isOpen = board.finding === index;
    const where = first ? (board.axis === "time" ? sinceStart(board.at(first.run, first.first)) : human(first.first)) : "whole run";
    const press = () => {
      if (isOpen) board.release();
      else board.jump(index, first?.run ?? 0, first?.first ?? null);
      this.list.querySelectorAll<HTMLElement>("button.row")[index]?.focus();
    };
    return h("li", {},
      h("button", { type: "button", class: "row", "aria-expanded": String(isOpen), onclick: press },
        severity(finding.severity), h("span", { class: "rule" }, board.runs.length > 1 && runs.length ? `${runs.join(", ")} · ` : "", finding.rule),
        h("span", { class: "track", "aria-hidden": "true" }, own.length ? own.map((s) => this.bar(s, whole)) : h("i", { class: `bar whole ${finding.severity}` })),
        h("span", { class: "at" }, own.length && board.axis === "step" ? `${board.runs[first!.run]?.unit ?? "step"} ` : "", where)),
      isOpen ? opened(board, index) : null);
  }

  /** Draws anew unless nothing that it shows has changed. */
  draw(): void {
    const { board } = this;
    const spans = spansOf(board.document, board.runs);
    const whole = this.whole();
    const state = JSON.stringify([board.document.findings.map((f) => [f.rule, f.message, f.severity]), spans, whole, board.finding, board.axis]);
    if (state === this.built) return;
    this.built = state;
    const focused = [...this.list.querySelectorAll("button.row")].indexOf(document.activeElement as Element);
    this.section.hidden = board.document.findings.length === 0;
    put(this.list, board.document.findings.map((_, i) => this.row(i, spans, whole)));
    if (focused >= 0) this.list.querySelectorAll<HTMLElement>("button.row")[focused]?.focus();
    const [a, b] = whole;
    put(this.axis, ticksOf(a, b, 6, board.axis).map((x) => h("span", { style: `left:${(((x - a) / (b - a)) * 100).toFixed(2)}%` }, board.axis === "time" ? sinceStart(x) : human(x))));
  }
}
