// What simple models scored, with everything that can be drawn of it.

import { h, prose } from "../h";
import type { Model } from "../model";
import type { ModelFacts } from "../types/report";
import { duration } from "../words";
import { proof } from "./evidence";

const score = (value: number | null): string => (value === null ? "–" : value.toFixed(3));

function rung(model: ModelFacts): HTMLElement {
  const half = model.half === null ? null : h("span", { class: "faint" }, ` ± ${model.half.toFixed(3)}`);
  return h("tr", {}, h("th", { scope: "row" }, model.name), h("td", { class: "number" }, score(model.train)),
    h("td", { class: "number" }, score(model.validation), half), h("td", { class: "number" }, duration(model.seconds)),
    h("td", { class: "faint" }, model.settings));
}

export function models(model: Model): HTMLElement | null {
  const { fit } = model;
  if (!fit) return null;
  return h("section", { id: "models", "aria-labelledby": "models-title" }, h("h2", { id: "models-title" }, "Simple models"),
    h("p", {}, h("strong", {}, prose(fit.verdict))),
    h("p", { class: "faint" }, `${fit.score} over ${fit.folds}; ± is half of the 95 % interval`),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "models" },
      h("table", {}, h("thead", {}, h("tr", {}, ["model", "training", "unseen", "time", "settings"].map((c) => h("th", { scope: "col" }, c)))),
        h("tbody", {}, fit.models.map(rung)))),
    fit.notes.length ? h("ul", { class: "places" }, fit.notes.map((note) => h("li", { class: "faint" }, prose(note)))) : null,
    h("div", { class: "panels" }, fit.figures.map((figure) => h("section", { class: "panel" }, proof(model, figure)))));
}
