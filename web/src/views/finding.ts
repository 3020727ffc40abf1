// One finding: what was seen, why it matters, proof, where, and what to do.

import { h, prose } from "../h";
import { snippet, someOf } from "../actions";
import type { Model } from "../model";
import type { Finding, Remedy, Severity } from "../types/report";
import { action, countOf, places, thousands } from "../words";
import { proof } from "./evidence";

const SHAPES: Record<Severity, string> = { error: "■", warning: "▲", info: "●" };

/** The severity as a word with a shape of its own. */
export function severity(of: Severity): HTMLElement {
  return h("span", { class: `severity ${of}` }, h("i", { "aria-hidden": "true" }, SHAPES[of]), of);
}

/** A sentence that begins with a name, which is written as it is. */
export function beginsWithName(model: Model, sentence: string): boolean {
  return sentence.startsWith("`") || model.runs.some((run) => run.name !== "" && sentence.startsWith(`${run.name}:`));
}

function remedy(r: Remedy): HTMLElement {
  const risk = { safe: "safe", unsafe: "changes the data or the training: look first", advice: "advice" }[r.safety];
  return h("li", {}, h("p", {}, prose(action(r)), " ", h("span", { class: `safety ${r.safety}` }, risk)),
    r.command ? snippet(r.command, "command") : null, r.code ? snippet(r.code, "code") : null);
}

function where(model: Model, finding: Finding, i: number): HTMLElement | null {
  const lines = places(finding);
  if (!lines.length) return null;
  const rest = finding.count - lines.length;
  return h("section", { class: "where" }, h("h4", {}, "where"),
    someOf(lines, 6, h("ul", { class: "places" }), (line) => h("li", {}, line)),
    rest > 0 && lines.length > 1 ? h("p", { class: "faint" }, `${countOf(finding.count, "thing")} affected in all; the worst ${thousands(lines.length)} are named`) : null,
    model.jump && finding.places.some((p) => p.kind === "steps") ? h("button", { type: "button", class: "jump", onclick: () => model.jump?.(i) }, "show in the charts") : null);
}

export function finding(model: Model, f: Finding, i: number): HTMLElement {
  return h("article", { id: `finding-${i + 1}`, class: `finding ${f.severity}`, "aria-labelledby": `title-${i + 1}`, tabindex: "-1" },
    h("p", { class: "tag" }, severity(f.severity), h("code", {}, f.rule), f.certainty < 1 ? h("span", { class: "faint" }, `certainty ${Math.round(f.certainty * 100)} %`) : null),
    h("h3", { id: `title-${i + 1}`, class: beginsWithName(model, f.message) ? "verbatim" : null }, prose(f.message)),
    f.why ? h("p", { class: "why" }, prose(f.why)) : null,
    h("div", { class: "columns" },
      h("div", { class: "proofs" }, f.evidence.map((e) => proof(model, e))),
      h("div", { class: "aside" },
        f.remedies.length ? h("section", {}, h("h4", {}, "what to do"), h("ol", { class: "remedies" }, f.remedies.map(remedy))) : null,
        where(model, f, i))));
}
