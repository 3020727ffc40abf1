// What ran, what was skipped and why, and what was not read.

import { h, prose, type Child } from "../h";
import { snippet, someOf } from "../actions";
import type { Document } from "../types/report";
import { countOf } from "../words";

function next(doc: Document): Child {
  const first = doc.findings[0];
  return first ? [h("h3", {}, "Next"), snippet(`stetho explain ${first.rule}`, "command")] : null;
}

export function rules(doc: Document): HTMLElement {
  const ran = doc.outcomes.filter((o) => o.outcome === "ran");
  const failed = doc.outcomes.flatMap((o) => (o.outcome === "failed" ? [o] : []));
  const reasons = new Map<string, string[]>();
  for (const o of doc.outcomes) {
    if (o.outcome === "skipped") reasons.set(o.reason, [...(reasons.get(o.reason) ?? []), o.rule]);
  }
  const files = Array.isArray(doc.facts?.skipped_files) ? doc.facts.skipped_files.map(String) : [];
  const codes = (names: string[]) => names.map((name) => [h("code", {}, name), " "]);
  return h("section", { id: "rules", "aria-labelledby": "rules-title" }, h("h2", { id: "rules-title" }, "What was looked at"),
    failed.map((o) => h("p", { class: "partial" }, prose(`rule \`${o.rule}\` failed: ${o.reason} (a bug of ours: please report it)`))),
    h("dl", { class: "outcomes" }, h("dt", {}, `${countOf(ran.length, "rule")} ran`), h("dd", {}, codes(ran.map((o) => o.rule))),
      [...reasons].map(([reason, names]) => [h("dt", {}, `${countOf(names.length, "rule")} skipped`), h("dd", {}, h("span", {}, prose(reason)), ": ", codes(names))])),
    files.length ? [h("h3", {}, "Not read"), someOf(files, 10, h("ul", { class: "places" }), (line) => h("li", {}, prose(line)))] : null,
    next(doc));
}
