// Reads the report out of the page and draws it; of a live page, fetches it and keeps it up to date.

import { h } from "./h";
import { drawNow, themeButton, whenNear } from "./actions";
import { live } from "./live";
import { modelOf, type Model } from "./model";
import type { PageData } from "./types/report";
import { columns } from "./views/columns";
import { facts } from "./views/facts";
import { finding } from "./views/finding";
import { models } from "./views/fit";
import { map } from "./views/map";
import { preflight } from "./views/preflight";
import { rules } from "./views/rules";
import { RunsView } from "./views/run";
import { samples } from "./views/samples";
import { ranking, verdict } from "./views/verdict";

/** Findings that are drawn at once; the others when they come near the screen. */
const AT_ONCE = 3;

function findings(model: Model): HTMLElement | null {
  const drawn = model.document.findings.map((f, i) => {
    if (i < AT_ONCE) return finding(model, f, i);
    const room = h("article", { id: `finding-${i + 1}`, class: "finding waiting" });
    whenNear(room, () => room.replaceWith(finding(model, f, i)));
    return room;
  });
  return drawn.length ? h("section", { id: "findings", "aria-labelledby": "findings-title" }, h("h2", { id: "findings-title" }, "Findings"), ranking(model), drawn) : null;
}

/** A part of the page that is drawn anew when what it shows has changed, unless somebody is using it. */
class Part {
  private shown = "";
  element: HTMLElement | null = null;

  constructor(private draw: (model: Model) => HTMLElement | null, private shows: (model: Model) => unknown) {}

  update(model: Model, put: (element: HTMLElement) => void): void {
    const shown = JSON.stringify(this.shows(model));
    if (shown === this.shown || (this.element?.contains(document.activeElement) && document.activeElement !== document.body)) return;
    this.shown = shown;
    const next = this.draw(model);
    if (this.element && next) this.element.replaceWith(next);
    else if (this.element) this.element.remove();
    else if (next) put(next);
    this.element = next;
  }
}

function links(main: HTMLElement): HTMLElement[] {
  return [...main.querySelectorAll<HTMLElement>(":scope > section[id]")].filter((s) => !s.hidden)
    .map((s) => h("a", { href: `#${s.id}` }, s.querySelector("h2")?.textContent ?? ""));
}

/** Draws the page; what comes back brings it up to date. */
function draw(page: HTMLElement, data: PageData, status: HTMLElement | null): (data: PageData) => void {
  const model = modelOf(data);
  const doc = model.document;
  const main = h("main", { id: "main", tabindex: "-1" });
  const nav = h("nav", { "aria-label": "sections" });
  const runs = model.runs.length || status ? new RunsView(doc, model.runs) : null;
  const jump = runs ? (i: number) => { runs.jump(i); } : null;
  const parts = {
    verdict: new Part(verdict, (m) => [m.document, m.runs.map((r) => [r.name, r.last_step, r.seconds, r.is_over])].map((x) => (x === m.document ? [m.document.findings.map((f) => [f.severity, f.message]), m.document.outcomes.length, m.document.partial] : x))),
    findings: new Part(findings, (m) => m.document.findings),
    rules: new Part((m) => rules(m.document), (m) => [m.document.outcomes, m.document.findings[0]?.rule]),
  };
  const update = (next: Model) => {
    next.jump = jump;
    parts.verdict.update(next, (e) => main.prepend(e));
    parts.findings.update(next, (e) => ending.before(e));
    parts.rules.update(next, (e) => main.append(e));
    nav.replaceChildren(...links(main));
  };
  const ending = h("div", { hidden: true });
  main.append(...(runs?.sections ?? []), ending, ...preflight(model), ...[models(model), facts(model), map(model), samples(model), columns(model.table?.column_profiles ?? [])].filter((s) => s !== null));
  page.replaceChildren(
    h("a", { class: "skip", href: "#main" }, "to the verdict"),
    h("header", { class: "top" }, h("span", { class: "brand" }, "stetho"), h("span", { class: "subject" }, doc.subject.paths.slice(0, 3).join(", ") + (doc.subject.paths.length > 3 ? ` and ${doc.subject.paths.length - 3} more` : "")),
      status ?? "", nav, themeButton()),
    main,
    h("footer", { class: "end" }, `stetho ${doc.stetho} · ${doc.command}`));
  update(model);
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
  return (sent) => {
    const next = modelOf(sent);
    runs?.update(next.document, next.runs);
    update(next);
  };
}

/** Goes to what the address names, again once what lies above has its true height. */
function follow(): void {
  const id = location.hash.slice(1);
  const waiting = document.getElementById(id);
  if (!waiting) return;
  if (waiting.classList.contains("waiting")) drawNow(waiting);
  const go = () => document.getElementById(id)?.scrollIntoView();
  go();
  requestAnimationFrame(() => requestAnimationFrame(go));
}

const page = document.getElementById("page");
const island = document.getElementById("report");
if (page && island) {
  addEventListener("hashchange", follow);
  if (island.dataset.live !== undefined) {
    void live(page, (data, status) => draw(page, data, status)).then(follow);
  } else {
    draw(page, JSON.parse(island.textContent ?? "null") as PageData, null);
    follow();
  }
}
