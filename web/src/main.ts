// Reads the report out of the page and draws it.

import { h } from "./h";
import { drawNow, themeButton, whenNear } from "./actions";
import { modelOf } from "./model";
import type { PageData } from "./types/report";
import { columns } from "./views/columns";
import { facts } from "./views/facts";
import { finding } from "./views/finding";
import { models } from "./views/fit";
import { map } from "./views/map";
import { rules } from "./views/rules";
import { samples } from "./views/samples";
import { ranking, verdict } from "./views/verdict";

/** Findings that are drawn at once; the others when they come near the screen. */
const AT_ONCE = 3;

function draw(page: HTMLElement, data: PageData): void {
  const model = modelOf(data);
  const doc = model.document;
  const drawn = doc.findings.map((f, i) => {
    if (i < AT_ONCE) return finding(model, f, i);
    const room = h("article", { id: `finding-${i + 1}`, class: "finding waiting" });
    whenNear(room, () => room.replaceWith(finding(model, f, i)));
    return room;
  });
  const sections = [
    drawn.length ? h("section", { id: "findings", "aria-labelledby": "findings-title" }, h("h2", { id: "findings-title" }, "Findings"), ranking(model), drawn) : null,
    models(model), facts(model), map(model), samples(model), columns(model.table?.column_profiles ?? []), rules(doc),
  ];
  const links = sections.flatMap((s) => (s ? [h("a", { href: `#${s.id}` }, s.querySelector("h2")?.textContent ?? "")] : []));
  page.append(
    h("a", { class: "skip", href: "#main" }, "to the verdict"),
    h("header", { class: "top" }, h("span", { class: "brand" }, "stetho"), h("span", { class: "subject" }, doc.subject.paths.slice(0, 3).join(", ") + (doc.subject.paths.length > 3 ? ` and ${doc.subject.paths.length - 3} more` : "")),
      h("nav", { "aria-label": "sections" }, links), themeButton()),
    h("main", { id: "main", tabindex: "-1" }, verdict(model), sections),
    h("footer", { class: "end" }, `stetho ${doc.stetho} · ${doc.command}`));
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
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
  draw(page, JSON.parse(island.textContent ?? "null") as PageData);
  addEventListener("hashchange", follow);
  follow();
}
