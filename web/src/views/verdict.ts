// The top of the page: what is wrong in one sentence, what was examined, and the ranked list.

import { h, prose, type Child } from "../h";
import { copyButton, someOf } from "../actions";
import type { Model } from "../model";
import { countOf, counts, duration, meaning, percent, thousands, verdict as sentence } from "../words";
import { letter } from "../runs/data";
import { beginsWithName, severity } from "./finding";

const MOST_RUNS = 8;
/** A sentence of more characters is set smaller. */
const LONG = 110;

function examined(model: Model): [string, Child][] {
  const { document: doc, table, pictures, boxes, fit } = model;
  const facts: [string, Child][] = [];
  if (fit) {
    facts.push(["size", `${thousands(fit.rows)} rows × ${thousands(fit.columns)} columns`]);
    facts.push(["target", [h("code", {}, fit.target), `, ${fit.task}, scored by ${fit.score}`]]);
    facts.push(["divided", fit.folds]);
  } else if (table?.rows !== undefined) {
    facts.push(["size", `${thousands(table.rows)} rows × ${thousands(table.columns)} columns`]);
    const kinds = Object.entries(table.kinds ?? {}).map(([kind, n]) => `${thousands(n)} ${kind}`);
    if (kinds.length) facts.push(["types", kinds.join(", ")]);
    for (const split of table.splits ?? []) facts.push([split.part, countOf(split.rows, "row")]);
    const target = table.target;
    if (target) facts.push(["target", [h("code", {}, target.column), `, ${target.task}, ${target.origin}${target.reason ? `: ${target.reason}` : ""}`]]);
    else if (table.target_reason) facts.push(["target", `none: ${table.target_reason.replace(/^no /, "no ")}`]);
  } else if (model.runs.length) {
    for (const [r, run] of model.runs.slice(0, MOST_RUNS).entries()) {
      const time = run.seconds ? ` in ${duration(run.seconds)}` : "";
      facts.push([model.runs.length > 1 ? `run ${letter(r)}` : "run", `${run.name}: ${thousands(run.series.length)} series up to ${run.unit} ${thousands(run.last_step)}${time}${run.is_over ? "" : ", still going"}${run.contest ? ` (${run.contest})` : ""}`]);
    }
    if (model.runs.length > MOST_RUNS) facts.push(["", `and ${model.runs.length - MOST_RUNS} more runs`]);
  } else if (model.preflight) {
    if (model.preflight.model) facts.push(["model", model.preflight.model]);
    if (model.preflight.batch) facts.push(["batch", model.preflight.batch]);
  } else {
    const noun = { images: "picture", boxes: "picture", run: "step" }[doc.subject.kind] ?? "item";
    facts.push(["size", countOf(doc.subject.items, noun) + (boxes ? `, ${countOf(boxes.boxes, "box")}` : "")]);
  }
  if (boxes?.format) facts.push(["annotations", `${boxes.format}: ${thousands(boxes.annotated)} pictures annotated, ${thousands(boxes.empty)} of them without a box`]);
  if (pictures?.layout) facts.push(["layout", pictures.layout]);
  if (pictures && (pictures.parts?.length ?? 0) > 1) facts.push(["parts", pictures.parts.map(([p, n]) => `${p} ${thousands(n)}`).join(", ")]);
  return facts;
}

function command(model: Model): [string, Child][] {
  const { command_line: line, seconds } = model.document.facts as { command_line?: unknown; seconds?: unknown };
  const facts: [string, Child][] = [];
  if (typeof seconds === "number" && seconds > 0) facts.push(["time", duration(seconds)]);
  if (typeof line === "string" && line) facts.push(["command", [h("code", {}, line), " ", copyButton(line, "command line")]]);
  return facts;
}

export function verdict(model: Model): HTMLElement {
  const doc = model.document;
  const ran = doc.outcomes.filter((o) => o.outcome === "ran").length;
  const found = counts(doc);
  const said = sentence(doc);
  const worst = doc.findings[0]?.severity ?? "good";
  return h("section", { class: `verdict ${worst}`, "aria-labelledby": "verdict" },
    h("p", { class: "counts" },
      found.map(({ severity: s, text }) => h("span", { class: `count ${s}` }, text)),
      found.length ? null : h("span", { class: "count good" }, "✓ nothing found"),
      h("span", { class: "faint" }, `${meaning(doc)} · ${countOf(ran, "rule")} ran`)),
    h("h1", { id: "verdict", class: `${beginsWithName(model, said) ? "verbatim" : ""} ${said.length > LONG ? "long" : ""}` }, prose(said)),
    doc.partial ? h("p", { class: "partial", role: "note" }, "partial: interrupted, only what was read until then has been judged") : null,
    h("dl", { class: "examined" }, [...examined(model), ...command(model)].map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}

/** Findings in their order, a line each. */
export function ranking(model: Model): Child {
  const list = h("ol", { class: "ranking" });
  return someOf(model.document.findings, 30, list, (f, i) => h("li", {},
    severity(f.severity), h("a", { href: `#finding-${i + 1}` }, prose(f.message)),
    h("span", { class: "faint rule" }, f.rule), f.certainty < 1 ? h("span", { class: "faint sure" }, percent(f.certainty)) : null));
}
