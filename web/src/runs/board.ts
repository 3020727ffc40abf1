// What all charts of the runs share: scales, smoothing, what is hidden, the cursor. Only what is on the screen is drawn;
// whatever changed meanwhile is drawn when it comes into view.

import type { Document, RunFacts } from "../types/report";
import { timeAt, type Axis } from "./data";

export type Scale = "automatic" | "linear" | "logarithmic";

/** A drawing that follows the board. */
export interface Drawn {
  frame: HTMLElement;
  draw(): void;
  /** Shows the place under the cursor; `null` where there is none. */
  point(x: number | null): void;
}

export class Board {
  scale: Scale = "automatic";
  smoothing = 0;
  axis: Axis = "step";
  hidden = new Set<number>();
  /** The part of the axis that is shown; the whole where `null`. */
  range: [number, number] | null = null;
  cursor: number | null = null;
  /** The finding that was jumped to. */
  finding: number | null = null;

  private drawings = new Map<Element, Drawn>();
  private near = new Set<Drawn>();
  private stale = new Set<Drawn>();
  private asked = 0;
  private observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const drawing = this.drawings.get(entry.target);
      if (!drawing) continue;
      if (entry.isIntersecting) this.near.add(drawing); else this.near.delete(drawing);
    }
    this.ask();
  }, { rootMargin: "300px" });
  private sizes = new ResizeObserver((entries) => entries.forEach((e) => {
    const drawing = this.drawings.get(e.target);
    if (drawing && e.contentRect.width > 0 && e.target.getAttribute("data-width") !== String(Math.floor(e.contentRect.width))) this.changed(drawing);
  }));
  private listeners: (() => void)[] = [];

  constructor(public document: Document, public runs: RunFacts[]) {
    addEventListener("beforeprint", () => { this.stale.forEach((d) => d.draw()); this.stale.clear(); });
  }

  /** Draws `drawing` whenever it is on the screen and something it shows has changed. */
  follow(drawing: Drawn): void {
    this.drawings.set(drawing.frame, drawing);
    this.stale.add(drawing);
    this.observer.observe(drawing.frame);
    this.sizes.observe(drawing.frame);
  }

  leave(drawing: Drawn): void {
    this.observer.unobserve(drawing.frame);
    this.sizes.unobserve(drawing.frame);
    this.drawings.delete(drawing.frame);
    this.near.delete(drawing);
    this.stale.delete(drawing);
  }

  /** Something that all drawings show has changed, or only `one` of them. */
  changed(one?: Drawn): void {
    if (one) this.stale.add(one); else this.drawings.forEach((d) => this.stale.add(d));
    this.ask();
  }

  onCursor(listener: () => void): void { this.listeners.push(listener); }

  private ask(): void {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      for (const drawing of this.near) if (this.stale.delete(drawing)) drawing.draw();
    });
  }

  point(x: number | null): void {
    this.cursor = x;
    this.near.forEach((d) => d.point(x));
    this.listeners.forEach((l) => l());
  }

  /** A step of a run on the axis that is chosen. */
  at(run: number, step: number): number {
    const facts = this.runs[run];
    return this.axis === "step" || !facts ? step : timeAt(facts, step);
  }

  /** The place that was jumped to stays, whatever the pointer did since. */
  pinned: number | null = null;

  /** Goes to the first step of a finding in a run; one that is about no step in particular is shown without one. */
  jump(finding: number, run: number, step: number | null): void {
    this.finding = finding;
    this.pinned = step === null ? null : this.at(run, step);
    this.cursor = this.pinned;
    this.range = null;
    this.changed();
    this.listeners.forEach((l) => l());
  }

  release(): void {
    this.finding = this.pinned = this.cursor = null;
    this.changed();
    this.listeners.forEach((l) => l());
  }

  /** The units of the axis in words. */
  unit(): string {
    if (this.axis === "time") return "time since the start";
    return [...new Set(this.runs.map((r) => r.unit))].join(" or ");
  }
}
