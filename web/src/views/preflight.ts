// What was tried before training: the checklist, the first batch as the network sees it, the curves of the experiments.

import { h, prose, type Child } from "../h";
import type { Model } from "../model";
import type { CheckFacts, Evidence } from "../types/report";
import { human } from "../words";
import { proof } from "./evidence";

/** Sign and word for what became of an experiment; nothing is said by colour alone. */
function outcome(check: CheckFacts): [string, string] {
  if (check.state === "skipped") return ["–", "skipped"];
  if (check.state === "passed") return ["✓", "passed"];
  return { error: ["✗", "error"], warning: ["!", "warning"], info: ["·", "info"] }[check.severity ?? "info"] as [string, string];
}

/** The finding that a rule speaks in, as a link: its own, or that of its cause. */
function link(model: Model, rule: string): Child {
  const at = model.document.findings.findIndex((f) => f.rule === rule || f.message.includes(`(${rule})`));
  const name = h("code", {}, rule);
  return at < 0 ? name : h("a", { href: `#finding-${at + 1}` }, name);
}

function line(model: Model, check: CheckFacts): HTMLElement {
  const [sign, word] = outcome(check);
  const kind = check.state === "found" ? word : check.state;
  return h("tr", { class: kind },
    h("td", { class: "sign" }, h("span", { "aria-hidden": "true" }, sign), h("span", { class: "hidden-word" }, word)),
    h("th", { scope: "row" }, check.title),
    h("td", {}, check.rules.map((rule) => [link(model, rule), " "]), h("span", { class: "faint" }, prose(check.state === "skipped" ? `skipped: ${check.note}` : check.note))),
    h("td", { class: "number" }, check.state === "skipped" ? "" : `${check.seconds.toFixed(1)} s`));
}

const panels = (model: Model, evidence: Evidence[]): HTMLElement =>
  h("div", { class: "panels" }, evidence.map((e) => h("section", { class: e.kind === "pictures" ? "panel whole" : "panel" }, proof(model, e))));

/** The sections, as many as there is something for. */
export function preflight(model: Model): HTMLElement[] {
  const facts = model.preflight;
  if (!facts) return [];
  const about: [string, string][] = ([["model", facts.model], ["batch", facts.batch], ["failed", facts.raised]] as [string, string][]).filter(([, text]) => text);
  const sections = [
    h("section", { id: "checklist", "aria-labelledby": "checklist-title" }, h("h2", { id: "checklist-title" }, "Before training"),
      about.length ? h("dl", { class: "examined" }, about.map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])) : null,
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "experiments" },
        h("table", { class: "checklist" }, h("thead", {}, h("tr", {}, ["", "experiment", "outcome", "time"].map((c) => h("th", { scope: "col" }, c)))),
          h("tbody", {}, facts.checks.map((check) => line(model, check))))),
      h("p", { class: "faint" }, `${human(Math.round(facts.seconds * 10) / 10)} s${facts.budget > 0 ? ` of ${human(facts.budget)} s` : ""} used`)),
  ];
  if (facts.seen.length) {
    sections.push(h("section", { id: "batch", "aria-labelledby": "batch-title" }, h("h2", { id: "batch-title" }, "The first batch"), panels(model, facts.seen)));
  }
  if (facts.figures.length) {
    sections.push(h("section", { id: "experiments", "aria-labelledby": "experiments-title" }, h("h2", { id: "experiments-title" }, "Experiments"), panels(model, facts.figures)));
  }
  return sections;
}
