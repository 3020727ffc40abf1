// Numbers, counts and names as a person reads them; the same words as the text report.

import type { Document, Finding, Limit, Number as Value, Pictured, Place, Remedy, Severity } from "./types/report";

const HIDDEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Characters that would reorder or hide text are spelled out; line breaks stay. */
export function clean(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(HIDDEN, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
}

export function toNumber(value: Value | null | undefined): number {
  return value === null || value === undefined ? NaN : Number(value);
}

export function thousands(count: number): string {
  return Math.round(count).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** At most four significant digits, thousands grouped, no trailing zeros. */
export function human(value: Value | null | undefined): string {
  const x = toNumber(value);
  const size = Math.abs(x);
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return x.toExponential(2).replace("e+", "e");
  if (size >= 1000) return (x < 0 ? "−" : "") + thousands(size);
  const digits = size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;
  const text = x.toFixed(digits).replace(/0+$/, "").replace(/\.$/, "");
  return text === "-0" ? "0" : text.replace("-", "−");
}

/** A share as a percentage; never `0 %` or `100 %` unless it is exactly that. */
export function percent(share: number): string {
  const value = share * 100;
  if (share > 0 && value < 0.1) return `${human(value)} %`;
  if (share < 1 && value > 99.9) return `${value.toFixed(3)} %`;
  return `${value.toFixed(1).replace(/\.0$/, "")} %`;
}

export function countOf(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  if (/[^aeou]y$/.test(noun)) return `${thousands(count)} ${noun.slice(0, -1)}ies`;
  return `${thousands(count)} ${noun}${noun.endsWith("ss") || noun.endsWith("x") ? "es" : "s"}`;
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  const whole = Math.floor(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function bound(limit: Limit): { word: string; value: number } {
  return "at_least" in limit
    ? { word: "at least", value: toNumber(limit.at_least) }
    : { word: "at most", value: toNumber(limit.at_most) };
}

export function pictureName(picture: Pictured): string {
  return picture.index === null || picture.index === undefined ? picture.path : `${picture.path}[${picture.index}]`;
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.split("/").pop() || path;
}

export function action(remedy: Remedy): string {
  return remedy.action.replace(/^or /, "");
}

export const SEVERITIES: Severity[] = ["error", "warning", "info"];

export function counts(document: Document): { severity: Severity; text: string }[] {
  return SEVERITIES.flatMap((severity) => {
    const n = document.findings.filter((f) => f.severity === severity).length;
    if (n === 0) return [];
    return [{ severity, text: severity === "info" ? `${thousands(n)} info` : countOf(n, severity) }];
  });
}

/** What is wrong, in one sentence without a full stop. */
export function verdict(document: Document): string {
  const [first, ...rest] = document.findings;
  if (!first) return nothingFound(document);
  const alike = rest.filter((f) => f.severity === first.severity).length;
  const more = alike > 0 ? alike : rest.length;
  if (more === 0) return first.message;
  const noun = { error: "error", warning: "warning", info: "remark" }[alike > 0 ? first.severity : rest[0]!.severity];
  return `${first.message}; and ${countOf(more, alike > 0 ? `more ${noun}` : noun)}`;
}

/** What the worst severity means for training. */
export function meaning(document: Document): string {
  switch (document.findings[0]?.severity) {
    case "error": return "will mislead training or evaluation";
    case "warning": return "likely to cost accuracy or trust";
    case "info": return "nothing wrong; worth knowing";
    default: return "healthy as far as was looked";
  }
}

export function nothingFound(document: Document): string {
  const n = document.outcomes.filter((o) => o.outcome === "ran").length;
  if (n === 0) return "no rule could judge this data";
  return n === 1 ? "nothing found: the rule that ran has nothing to say"
    : `nothing found: none of the ${n} rules that ran has anything to say`;
}

/** A place in words, with the names that one copies: `ann/7.xml:41`. */
export function placeLines(place: Place): string[] {
  switch (place.kind) {
    case "whole": return [];
    case "column": return [`column ${place.name}`];
    case "pair": return [`${place.a} and ${place.b}`];
    case "layer": return [`layer ${place.name}`];
    case "steps": return [place.first === place.last ? `step ${place.first}` : `steps ${place.first}–${place.last}`];
    case "parameter": return [`parameter ${place.name}`];
    case "op": return [`operation ${place.name}`];
    case "source": return [`${place.path}:${place.line}${place.text === "" ? "" : `  ${place.text}`}`];
    case "sample": {
      const rank = place.rank === null || place.rank === undefined ? "" : ` of rank ${place.rank}`;
      const epoch = place.epoch === null || place.epoch === undefined ? "" : ` in epoch ${place.epoch}`;
      return [`sample ${place.index}${rank}${epoch}`];
    }
    case "item": {
      const line = place.line === null || place.line === undefined ? "" : `:${place.line}`;
      const index = place.index === null || place.index === undefined ? "" : ` (item ${place.index})`;
      return [place.path + line + index];
    }
    case "rows": {
      const lines = place.lines ?? [];
      return place.rows.map((row, i) => lines[i] === undefined ? `${place.path}, row ${row}` : `${place.path}:${lines[i]}`);
    }
  }
}

/** How many things the places of a finding name. */
export function places(finding: Finding): string[] {
  return finding.places.flatMap(placeLines);
}

/** Whether every cell is a number or empty, so that digits should stand under digits. */
export function isNumeric(cells: string[]): boolean {
  const bare = cells.map((c) => c.replace(/[,%~\s]/g, "").replace("−", "-"));
  return bare.length > 0 && bare.some((c) => c !== "") && bare.every((c) => c === "" || /^-?∞$/.test(c) || !Number.isNaN(Number(c)));
}

/** Time from the start of a run, short enough for an axis: `12 s`, `8:20 min`, `3:05 h`, `2.5 d`. */
export function sinceStart(seconds: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, "0");
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 60) return `${human(Math.round(seconds * 10) / 10)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)}:${two((seconds % 3600) / 60)} h`;
  return `${human(Math.round(seconds / 864) / 100)} d`;
}

/** A number short enough for an axis: `1.2 k`, `6.1 G`. */
export function short(value: number): string {
  const size = Math.abs(value);
  const [unit, word] = size >= 1e12 ? [1e12, " T"] : size >= 1e9 ? [1e9, " G"] : size >= 1e6 ? [1e6, " M"] : size >= 1e4 ? [1e3, " k"] : [1, ""];
  if (size >= 1e15) return value.toExponential(0).replace("e+", "e");
  if (size > 0 && size < 1e-3) return value.toExponential(1).replace(".0e", "e").replace("-", value < 0 ? "−" : "-");
  return `${human(Number((value / (unit as number)).toPrecision(4)))}${word}`;
}
