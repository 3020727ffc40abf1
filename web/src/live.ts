// The live page: fetches the report, listens to what changes, and says whether the connection holds.

import { h } from "./h";
import { modelOf } from "./model";
import { grownRuns } from "./runs/data";
import type { PageData, RunFacts } from "./types/report";
import { thousands } from "./words";

/** What the server sends: the report, and the version that it is. */
interface Sent { version: string; data: PageData }
type Draw = (data: PageData, status: HTMLElement) => (data: PageData) => void;

/** Kept here and sent with every request; no other page gets to see it. */
const token = new URLSearchParams(location.search).get("token");
const headers: HeadersInit = token ? { Authorization: `Bearer ${token}` } : {};

async function get(path: string): Promise<Response> {
  const response = await fetch(path, { headers, cache: "no-store" });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response;
}

/** The messages of the server, until the connection ends. `EventSource` cannot send the token. */
async function* events(): AsyncGenerator<string> {
  const { body } = await get("api/events");
  if (!body) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const messages = (rest + value).split("\n\n");
    rest = messages.pop() ?? "";
    for (const message of messages) {
      const data = message.split("\n").find((line) => line.startsWith("data:"));
      if (data) yield data.slice(5).trim();
    }
  }
}

const pause = (ms: number) => new Promise((done) => { setTimeout(done, ms); });

/** Waits until somebody can see the page. */
async function seen(): Promise<void> {
  while (document.hidden) await new Promise((done) => { document.addEventListener("visibilitychange", done, { once: true }); });
}

/** The report as it was sent, completed by what was there. */
function whole(sent: PageData, old: PageData | null): PageData {
  const runs = sent.document.facts.runs;
  if (!Array.isArray(runs) || !old) return sent;
  const grown = grownRuns(modelOf(old).runs, runs as RunFacts[]);
  const thumbnails = Object.keys(sent.thumbnails).length ? sent.thumbnails : old.thumbnails;
  return { document: { ...sent.document, facts: { ...sent.document.facts, runs: grown } }, thumbnails };
}

class Status {
  readonly element = h("span", { class: "live" }, h("i", { "aria-hidden": "true" }));
  private words = h("span");
  private alert = h("span", { class: "offscreen", role: "alert" });
  private changed = Date.now();
  private step = "";
  private isLost = false;

  constructor() {
    this.element.append(this.words, this.alert);
    setInterval(() => this.show(), 1000);
  }

  fresh(data: PageData): void {
    this.changed = Date.now();
    const runs = modelOf(data).runs;
    const last = Math.max(0, ...runs.map((r) => r.last_step));
    this.step = runs.length ? ` · ${runs[0]?.unit ?? "step"} ${thousands(last)}` : "";
    if (runs.length > 0 && runs.every((r) => r.is_over)) this.step += ", over";
    this.show();
  }

  lost(isLost: boolean): void {
    if (isLost !== this.isLost) this.alert.textContent = isLost ? "connection lost; trying again" : "connected again";
    this.isLost = isLost;
    this.element.classList.toggle("lost", isLost);
    this.show();
  }

  private show(): void {
    const age = Math.round((Date.now() - this.changed) / 1000);
    const ago = age < 3 ? "" : age < 120 ? ` · ${age} s ago` : ` · ${Math.round(age / 60)} min ago`;
    this.words.textContent = this.isLost ? "connection lost, trying again" : `live${this.step}${ago}`;
  }
}

/** Draws the page once the report is there, then follows it. Returns after the first drawing. */
export async function live(page: HTMLElement, draw: Draw): Promise<void> {
  const status = new Status();
  let now: { version: string; data: PageData; update: (data: PageData) => void } | null = null;
  const refresh = async () => {
    const since: string = now ? `?since=${encodeURIComponent(now.version)}` : "";
    const answer = await get(`api/page${since}`);
    if (answer.status === 204) throw new Error("nothing has been read yet");
    const sent = (await answer.json()) as Sent;
    const data = whole(sent.data, now?.data ?? null);
    if (now) now.update(data);
    now = { version: sent.version, data, update: now?.update ?? draw(data, status.element) };
    status.fresh(data);
    document.documentElement.dataset.version = sent.version;
  };
  const listen = async () => {
    for (;;) {
      try {
        for await (const version of events()) {
          status.lost(false);
          await seen();
          if (version !== now?.version) await refresh();
        }
      } catch {
        // Whatever failed is tried again below, from the whole report.
        now = now && { ...now, version: "" };
      }
      status.lost(true);
      await pause(1000);
    }
  };
  for (;;) {
    try {
      await refresh();
      break;
    } catch (error) {
      page.replaceChildren(h("main", { id: "main" }, h("h1", {}, "Nothing to show yet"), h("p", { role: "alert" }, error instanceof Error ? error.message : String(error))));
      await pause(1000);
    }
  }
  void listen();
}
