// The samples on two principal components, coloured and shaped by label. The pointer or the arrow keys show a sample,
// a click or Enter opens it.

import * as Plot from "@observablehq/plot";
import { h, put } from "../h";
import { whenNear } from "../actions";
import { COLOURED, look } from "../colours";
import type { Model, Sample } from "../model";
import { fileName, percent } from "../words";
import { openSamples } from "./dialog";
import { framed } from "./picture";

type Placed = Sample & { at: [number, number] };

function legend(model: Model): HTMLElement | null {
  if (!model.classes.length) return null;
  const mark = (rank: number) => Plot.plot({ width: 14, height: 14, margin: 0, axis: null, x: { domain: [-1, 1] }, y: { domain: [-1, 1] },
    marks: [Plot.dot([0], { x: 0, y: 0, r: 4.5, symbol: look(rank).shape, fill: look(rank).colour, stroke: look(rank).colour })] });
  const mute = (element: Element) => { element.setAttribute("aria-hidden", "true"); return element; };
  const rest = model.classes.length - COLOURED;
  return h("ul", { class: "legend", "aria-label": "classes" },
    model.classes.slice(0, COLOURED).map((label, i) => h("li", {}, mute(mark(i)), label)),
    rest > 0 ? h("li", { class: "faint" }, mute(mark(-1)), `${rest} more`) : null);
}

function card(model: Model, sample: Sample): Node[] {
  const values = sample.row?.values.slice(0, 8).flatMap((v, c) => [h("dt", {}, model.columns[c] ?? ""), h("dd", {}, v)]) ?? [];
  return [
    sample.picture ? framed(sample.picture, model.thumbnail(sample.picture), "stored", 64, 130) : h("dl", {}, ...values),
    h("p", {}, sample.label !== null ? h("b", {}, sample.label) : null, " ", h("span", { class: "faint" }, fileName(sample.name))),
  ];
}

function chart(model: Model, points: Placed[], width: number): SVGSVGElement | HTMLElement {
  const rank = new Map(model.classes.map((label, i) => [label, i]));
  const of = (s: Placed) => look(s.label === null ? 0 : rank.get(s.label) ?? -1);
  const height = Math.round(Math.min(460, Math.max(260, width * 0.6)));
  const [x, y] = (model.explained ?? [NaN, NaN]).map((share) => (Number.isFinite(share) ? ` · ${percent(share)} of the variance` : ""));
  return Plot.plot({
    width, height, margin: 14, marginBottom: 34, marginTop: 26, inset: 8,
    style: { background: "transparent", color: "var(--faint)", fontSize: "11px" },
    x: { label: `first component${x}`, ticks: [], labelAnchor: "left" }, y: { label: `second component${y}`, ticks: [] },
    color: { type: "identity" }, symbol: { type: "identity" },
    marks: [
      Plot.frame({ stroke: "var(--line)" }),
      Plot.dot(points, { x: (s: Placed) => s.at[0], y: (s: Placed) => s.at[1], r: 3.4, symbol: (s: Placed) => of(s).shape, fill: (s: Placed) => of(s).colour,
        stroke: (s: Placed) => of(s).colour, strokeWidth: 1, fillOpacity: 0.75 }),
    ],
  }) as unknown as SVGSVGElement;
}

/** The section, or nothing where there is no map. */
export function map(model: Model): HTMLElement | null {
  const points = model.samples.filter((s): s is Placed => s.at !== null).sort((a, b) => a.at[0] - b.at[0]);
  if (points.length < 3) return null;
  const tip = h("div", { class: "tip", hidden: true });
  const ring = h("div", { class: "ring", hidden: true });
  const said = h("p", { class: "offscreen", "aria-live": "polite" });
  const drawing = h("div", { class: "drawing", "aria-hidden": "true" });
  const frame = h("div", { class: "map", tabindex: "0", role: "application",
    "aria-label": `map of ${points.length} samples; arrow keys go from sample to sample, Enter opens one` }, drawing, ring, tip);
  let places: [number, number][] = [];
  let now = -1;
  const show = (i: number, spoken: boolean) => {
    const sample = points[i];
    const place = places[i];
    now = sample ? i : -1;
    ring.hidden = tip.hidden = !sample || !place;
    if (!sample || !place) return;
    ring.style.left = tip.style.left = `${place[0]}px`;
    ring.style.top = tip.style.top = `${place[1]}px`;
    tip.classList.toggle("left", place[0] > frame.clientWidth / 2);
    tip.classList.toggle("up", place[1] > frame.clientHeight / 2);
    put(tip, ...card(model, sample));
    if (spoken) said.textContent = `${sample.label ?? "no label"}, ${sample.name}`;
  };
  const nearest = (event: MouseEvent) => {
    const { left, top } = frame.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    let [best, least] = [-1, 900];
    places.forEach(([px, py], i) => { const d = (px - x) ** 2 + (py - y) ** 2; if (d < least) [best, least] = [i, d]; });
    return best;
  };
  const open = () => { if (now >= 0) { frame.focus(); openSamples(model, points, now); } };
  frame.addEventListener("pointermove", (event) => show(nearest(event), false));
  frame.addEventListener("pointerleave", () => show(-1, false));
  frame.addEventListener("blur", () => show(-1, false));
  frame.addEventListener("click", (event) => { show(nearest(event), false); open(); });
  frame.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10 }[event.key];
    if (by !== undefined) show(Math.max(0, Math.min(points.length - 1, now + by)), true);
    else if (event.key === "Enter") open();
    else return;
    event.preventDefault();
  });
  whenNear(frame, () => {
    const render = () => {
      const width = Math.floor(frame.clientWidth);
      if (width < 40 || drawing.dataset.width === String(width)) return;
      drawing.dataset.width = String(width);
      const plot = chart(model, points, width);
      put(drawing, plot);
      const scales = plot as unknown as { scale(name: string): { apply(v: number): number } };
      const [x, y] = [scales.scale("x"), scales.scale("y")];
      places = points.map((s) => [x.apply(s.at[0]), y.apply(s.at[1])]);
    };
    render();
    new ResizeObserver(render).observe(frame);
  });
  return h("section", { id: "map", "aria-labelledby": "map-title" }, h("h2", { id: "map-title" }, "Map of the samples"),
    h("p", { class: "faint" }, `${points.length} samples on their first two principal components: what lies close looks alike to a linear model`),
    legend(model), frame, said);
}
