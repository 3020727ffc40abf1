// A profile a column, with search and sorting.

import { h, put, svg } from "../h";
import type { ColumnFacts } from "../types/report";
import { human, thousands, toNumber } from "../words";

const PAGE = 100;
type Key = "order" | "name" | "kind" | "nulls" | "distinct" | "mean" | "std" | "min" | "median" | "max";
const HEADINGS: [Key, string][] = [["name", "column"], ["kind", "kind"], ["nulls", "nulls"], ["distinct", "distinct"],
  ["mean", "mean"], ["std", "std"], ["min", "min"], ["median", "median"], ["max", "max"]];

/** A distribution as small as a word. */
function spark(counts: number[]): Element | null {
  if (!counts.length) return null;
  const most = Math.max(...counts, 1);
  return svg("svg", { class: "spark", viewBox: `0 0 ${counts.length * 4} 20`, preserveAspectRatio: "none", role: "img", "aria-label": `distribution in ${counts.length} bins` },
    ...counts.map((n, i) => (n > 0 ? svg("rect", { x: i * 4, width: 3.2, y: 20 - Math.max(0.8, n / most * 20), height: Math.max(0.8, n / most * 20) }) : null)));
}

function row(c: ColumnFacts): HTMLElement {
  const number = (value: ColumnFacts["mean"]) => h("td", { class: "number" }, value === undefined || value === null ? "" : human(value));
  return h("tr", {}, h("th", { scope: "row" }, c.name), h("td", {}, c.kind), h("td", { class: "number" }, thousands(c.nulls ?? 0)),
    h("td", { class: "number" }, `${c.distinct_exact ? "" : "~"}${thousands(c.distinct ?? 0)}`),
    number(c.mean), number(c.std), number(c.min), number(c.median), number(c.max), h("td", {}, spark(c.histogram ?? [])));
}

/** Ascending; columns without the number come last in both directions. */
export function sorted(list: readonly ColumnFacts[], key: Key, down: boolean): ColumnFacts[] {
  if (key === "order") return list.slice();
  const collator = new Intl.Collator("en", { numeric: true });
  const sign = down ? -1 : 1;
  return list.slice().sort((a, b) => {
    if (key === "name" || key === "kind") return sign * collator.compare(a[key], b[key]);
    const [x, y] = [toNumber(a[key]), toNumber(b[key])];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return sign * (x < y ? -1 : x > y ? 1 : 0);
  });
}

/** The section, or nothing where no column was profiled. */
export function columns(profiles: ColumnFacts[]): HTMLElement | null {
  if (!profiles.length) return null;
  let [key, down, query, most]: [Key, boolean, string, number] = ["order", false, "", PAGE];
  const body = h("tbody");
  const status = h("p", { class: "faint", role: "status" });
  const more = h("button", { type: "button", class: "more", onclick: () => { most += 1000; draw(); } }, "show more columns");
  const heads = HEADINGS.map(([k, words]) => h("th", { scope: "col", class: ["name", "kind"].includes(k) ? null : "number" },
    h("button", { type: "button", onclick: () => { down = key === k ? !down : false; key = k; draw(); } }, words)));
  const draw = () => {
    const found = sorted(profiles.filter((c) => c.name.toLowerCase().includes(query)), key, down);
    put(body, ...found.slice(0, most).map(row));
    status.textContent = query || found.length > most ? `${thousands(Math.min(most, found.length))} of ${thousands(profiles.length)} columns` : "";
    more.hidden = found.length <= most;
    heads.forEach((th, i) => (HEADINGS[i]?.[0] === key ? th.setAttribute("aria-sort", down ? "descending" : "ascending") : th.removeAttribute("aria-sort")));
  };
  const search = h("input", { type: "search", placeholder: "name of a column", "aria-label": "search columns", oninput: () => { query = search.value.toLowerCase(); most = PAGE; draw(); } });
  draw();
  return h("section", { id: "columns", "aria-labelledby": "columns-title" }, h("h2", { id: "columns-title" }, "Columns"),
    profiles.length > 12 ? h("div", { class: "controls" }, search) : null, status,
    h("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "columns" },
      h("table", { class: "profiles" }, h("thead", {}, h("tr", {}, heads, h("th", { scope: "col" }, "distribution"))), body)), more);
}
