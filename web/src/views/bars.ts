// Named amounts as bars of HTML, so that labels wrap and can be copied.

import { h } from "../h";
import { someOf } from "../actions";
import { human, percent, thousands, toNumber } from "../words";
import type { Number as Value } from "../types/report";

function row(label: string, share: number, note: string): HTMLElement {
  const width = Number.isFinite(share) ? Math.max(0, Math.min(1, share)) * 100 : 0;
  return h("li", {},
    h("span", { class: "label" }, label),
    h("span", { class: "track", "aria-hidden": "true" }, width > 0 ? h("i", { style: `width:${width.toFixed(1)}%` }) : null),
    h("span", { class: "note" }, note));
}

/** Counts with their shares of the whole. */
export function shares(list: readonly [string, number][], name: string, few = 12): HTMLElement {
  const total = list.reduce((sum, [, n]) => sum + n, 0) || 1;
  const most = list.reduce((m, [, n]) => Math.max(m, n), 1);
  const items = h("ul", { class: "bars", "aria-label": name });
  return h("div", {}, someOf(list, few, items, ([label, n]) => row(label, n / most, `${percent(n / total)} · ${thousands(n)}`)));
}

/** Amounts against the largest. */
export function amounts(list: readonly [string, Value][], name: string, few = 12): HTMLElement {
  const most = list.reduce((m, [, n]) => (Number.isFinite(toNumber(n)) ? Math.max(m, toNumber(n)) : m), 0) || 1;
  const items = h("ul", { class: "bars", "aria-label": name });
  return h("div", {}, someOf(list, few, items, ([label, n]) => row(label, toNumber(n) / most, human(n))));
}
