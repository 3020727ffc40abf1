// The data in numbers: classes, sizes, channels, boxes.

import { h, prose, type Child } from "../h";
import { heat, histogram, sizes } from "../charts";
import type { Model } from "../model";
import type { BoxFacts, Number as Value, PictureFacts, TableFacts } from "../types/report";
import { human, thousands, toNumber } from "../words";
import { shares } from "./bars";

function panel(title: string, note: string, ...inside: Child[]): HTMLElement {
  return h("section", { class: "panel" }, h("h3", {}, title), note ? h("p", { class: "faint" }, note) : null, inside);
}

/** Mean and standard deviation of red, green and blue, as ranges from 0 to 1. */
function channels(mean: readonly Value[], std: readonly Value[]): HTMLElement {
  const rows = ["red", "green", "blue"].map((name, c) => {
    const [m, s] = [toNumber(mean[c]), toNumber(std[c])];
    const [low, high] = [Math.max(0, m - s), Math.min(1, m + s)];
    return h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "number" }, human(mean[c])), h("td", { class: "number" }, human(std[c])),
      h("td", { class: "range" }, h("div", { class: `span ${name}`, "aria-hidden": "true" }, Number.isFinite(m) && Number.isFinite(s)
        ? [h("i", { style: `left:${low * 100}%;width:${(high - low) * 100}%` }), h("b", { style: `left:${m * 100}%` })] : null)));
  });
  return h("table", {}, h("thead", {}, h("tr", {}, ["channel", "mean", "std", "0 to 1"].map((t, i) => h("th", { scope: "col", class: i === 1 || i === 2 ? "number" : null }, t)))), h("tbody", {}, rows));
}

const hasCounts = (bins: { counts?: number[] } | null | undefined) => (bins?.counts ?? []).some((n) => n > 0);

function ofPictures(facts: PictureFacts): Child[] {
  return [
    facts.classes?.length ? panel("Classes", "share and count in the training part", shares(facts.classes, "classes")) : null,
    facts.sizes?.length ? panel("Sizes", facts.sizes.length === 1 ? `all ${facts.sizes[0]![0]} × ${facts.sizes[0]![1]} px` : "width and height, the area of a dot by count", sizes(facts.sizes)) : null,
    panel("Colour", "over all pixels; what a network's normalisation should use", channels(facts.mean ?? [], facts.std ?? [])),
    hasCounts(facts.brightness) ? panel("Brightness", "mean of a picture, 0 black, 1 white", histogram("brightness", facts.brightness)) : null,
    hasCounts(facts.sharpness) ? panel("Sharpness", "0 without any edge, 1 sharp", histogram("sharpness", facts.sharpness)) : null,
    facts.formats?.length ? panel("Files", "format, channels and depth", shares(facts.formats, "formats"), shares(facts.channels ?? [], "channels")) : null,
  ];
}

const power = (base: number) => (x: number) => human(Math.pow(base, x));
const aspect = (x: number) => (x === 0 ? "1:1" : x > 0 ? `${human(Math.pow(2, x))}:1` : `1:${human(Math.pow(2, -x))}`);

function ofBoxes(facts: BoxFacts): Child[] {
  const perPicture = facts.per_picture ?? [];
  return [
    facts.classes?.length ? panel("Boxes of each class", `${thousands(facts.boxes)} boxes`, shares(facts.classes, "classes of boxes")) : null,
    hasCounts(facts.positions) ? panel("Where boxes lie", "centres of boxes on the picture; stronger is more", heat("centres of boxes", facts.positions, "from left", "from top")) : null,
    hasCounts(facts.sizes) ? panel("How large boxes are", "sides of boxes as shares of the picture's", heat("sizes of boxes", facts.sizes, "width", "height")) : null,
    hasCounts(facts.sides) ? panel("Shorter side", "pixels, on a logarithmic axis", histogram("shorter side in pixels", facts.sides, power(10))) : null,
    hasCounts(facts.aspects) ? panel("Aspect", "width to height", histogram("width to height", facts.aspects, aspect)) : null,
    perPicture.length ? panel("Boxes a picture", perPicture.length > 32 ? "the last bar counts those with 32 or more" : "how many pictures have so many boxes",
      histogram("boxes a picture", { edges: perPicture.map((_, i) => i - 0.5).concat(perPicture.length - 0.5), counts: perPicture }, (x) => (Number.isInteger(x) ? human(x) : human(Math.floor(x + 0.5))))) : null,
  ];
}

function ofTable(facts: TableFacts): Child[] {
  const classes = facts.target?.classes ?? [];
  const files = facts.files ?? [];
  return [
    classes.length ? panel("Classes", `share and count of each value of ${facts.target?.column ?? "the target"}`, shares(classes, "classes")) : null,
    files.length ? panel("Files", "", h("ul", { class: "files" }, files.slice(0, 30).map((f) => h("li", {}, h("b", {}, f.path), h("span", { class: "faint" }, prose(`${thousands(f.rows)} rows · ${f.format}`))))),
      files.length > 30 ? h("p", { class: "faint" }, `and ${thousands(files.length - 30)} more`) : null) : null,
  ];
}

/** The section, or nothing where no fact is known. */
export function facts(model: Model): HTMLElement | null {
  const panels = [
    ...(model.boxes ? ofBoxes(model.boxes) : []),
    ...(model.pictures ? ofPictures(model.pictures) : []),
    ...(model.table ? ofTable(model.table) : []),
  ].filter(Boolean);
  if (!panels.length) return null;
  return h("section", { id: "data", "aria-labelledby": "data-title" }, h("h2", { id: "data-title" }, "The data"), h("div", { class: "panels" }, panels));
}
