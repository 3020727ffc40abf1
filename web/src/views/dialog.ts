// One sample, large, with what is known of it. Arrow keys go on, Escape closes, focus goes back where it was.

import { h, prose, put, type Child } from "../h";
import type { Model, Sample } from "../model";
import { pictureName } from "../words";
import { severity } from "./finding";
import { framed } from "./picture";

let dialog: HTMLDialogElement | null = null;

function facts(model: Model, sample: Sample): Child[] {
  const list: [string, string][] = [];
  if (sample.label !== null) list.push(["label", sample.label]);
  if (sample.part) list.push(["part", sample.part]);
  const picture = sample.picture;
  if (picture?.width) list.push(["size", `${picture.width} × ${picture.height} px`]);
  if (picture?.caption) list.push(["shown for", picture.caption]);
  for (const box of picture?.boxes ?? []) list.push([box.is_culprit ? "box ■" : "box", `${box.label}: ${box.corners.join(", ")}`]);
  sample.row?.values.forEach((value, c) => list.push([model.columns[c] ?? `column ${c + 1}`, value]));
  return list.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
}

function about(model: Model, sample: Sample): Child {
  if (!sample.findings.length) return h("p", { class: "faint" }, "no finding names this sample");
  return h("ul", { class: "about" }, sample.findings.map((i) => {
    const f = model.document.findings[i];
    return f ? h("li", {}, severity(f.severity), h("a", { href: `#finding-${i + 1}`, onclick: () => dialog?.close() }, prose(f.message))) : null;
  }));
}

/** Opens number `at` of `samples`. */
export function openSamples(model: Model, samples: readonly Sample[], at: number): void {
  const back = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  let now = Math.max(0, at);
  const body = h("div", { class: "body" });
  const title = h("h2", { id: "sample-title" });
  const step = (by: number) => {
    const next = now + by;
    if (next < 0 || next >= samples.length) return;
    now = next;
    show();
  };
  const button = (words: string, by: number) => h("button", { type: "button", onclick: () => step(by) }, words);
  const [previous, following] = [button("← previous", -1), button("next →", 1)];
  const count = h("span", { class: "faint", "aria-live": "polite" });
  const opened = h("dialog", { "aria-labelledby": "sample-title", onkeydown: (event: KeyboardEvent) => {
    if (event.key === "ArrowRight") step(1);
    else if (event.key === "ArrowLeft") step(-1);
    else return;
    event.preventDefault();
  } }, h("header", {}, title, h("form", { method: "dialog" }, h("button", { class: "close", "aria-label": "close" }, "close"))),
  body, h("footer", {}, previous, count, following));
  function show(): void {
    const sample = samples[now];
    if (!sample) return;
    put(title, sample.name);
    count.textContent = `${now + 1} of ${samples.length}`;
    previous.setAttribute("aria-disabled", String(now === 0));
    following.setAttribute("aria-disabled", String(now === samples.length - 1));
    const picture = sample.picture;
    put(body, picture ? h("div", { class: "large" }, framed(picture, model.thumbnail(picture), "stored", 64, 520)) : null,
      h("div", { class: "known" }, h("dl", {}, facts(model, sample)), h("h3", {}, "findings about it"), about(model, sample),
        picture ? h("p", { class: "faint path" }, pictureName(picture)) : null));
  }
  opened.addEventListener("close", () => { opened.remove(); back?.focus({ preventScroll: true }); });
  opened.addEventListener("click", (event) => { if (event.target === opened) opened.close(); });
  document.body.append(opened);
  dialog = opened;
  show();
  opened.showModal();
}
