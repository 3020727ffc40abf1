// The report as the views want it: facts by kind, samples of one shape, and which findings point at which sample.

import type {
  BoxFacts, Document, FitFacts, HeatFacts, PageData, PictureFacts, Pictured, PreflightFacts, RunFacts, SampleRow, SeriesFacts, TableFacts,
} from "./types/report";
import { pictureName } from "./words";
import { toNumber } from "./words";

/** One sample: a picture or a row. */
export interface Sample {
  name: string;
  label: string | null;
  part: string;
  at: [number, number] | null;
  /** Indices of the findings that point at it, ascending. */
  findings: number[];
  picture: Pictured | null;
  row: SampleRow | null;
}

export interface Model {
  document: Document;
  pictures: PictureFacts | null;
  boxes: BoxFacts | null;
  table: TableFacts | null;
  fit: FitFacts | null;
  preflight: PreflightFacts | null;
  runs: RunFacts[];
  /** Shows where a finding begins in the charts, where there are any. */
  jump: ((finding: number) => void) | null;
  samples: Sample[];
  /** Names of the cells of rows. */
  columns: string[];
  /** Shares of the variance that the axes of the map explain, where there is a map. */
  explained: [number, number] | null;
  classes: string[];
  thumbnail(picture: Pictured): string | undefined;
}

function pictureKey(picture: Pictured): string {
  return `${picture.path}\n${picture.index ?? ""}`;
}

/** Findings by what they point at: pictures by key, rows by `file:line` and by file and row. */
function pointed(document: Document): Map<string, number[]> {
  const found = new Map<string, number[]>();
  const add = (key: string, finding: number) => {
    const list = found.get(key);
    if (!list) found.set(key, [finding]);
    else if (list[list.length - 1] !== finding) list.push(finding);
  };
  document.findings.forEach((finding, i) => {
    for (const evidence of finding.evidence) {
      if (evidence.kind === "pictures") evidence.groups.flat().forEach((p) => add(pictureKey(p), i));
    }
    for (const place of finding.places) {
      if (place.kind === "item") add(`${place.path}\n${place.index ?? ""}`, i);
      if (place.kind === "pair") [place.a, place.b].forEach((name) => add(`${name}\n`, i));
      if (place.kind === "rows") {
        place.rows.forEach((row, r) => {
          add(`${place.path}:${place.lines?.[r] ?? row}`, i);
          add(`${place.path}[${row}]`, i);
          add(`${place.path}, row ${row}`, i);
        });
      }
    }
  });
  return found;
}

function pair(values: unknown): [number, number] | null {
  if (!Array.isArray(values) || values.length !== 2) return null;
  const [x, y] = [toNumber(values[0]), toNumber(values[1])];
  return Number.isFinite(x) && Number.isFinite(y) ? [x, y] : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

const EMPTY_PREFLIGHT: PreflightFacts = { seconds: 0, budget: 0, model: "", batch: "", raised: "", checks: [], seen: [], figures: [] };
const EMPTY_RUN: RunFacts = { name: "", unit: "step", contest: null, restarts: [], last_step: 0, start: null, seconds: null, is_over: true, series: [], layers: [], findings: [] };

const EMPTY_SERIES: SeriesFacts = { tag: "", group: "other", chart: "", part: "", name: "", points: 0, from: 0, first: [], last: [], time: [], mean: [], min: [], max: [], broken: null };
const EMPTY_MAP: HeatFacts = { name: "", scale: "linear", layers: [], left_out: 0, from: 0, first: [], last: [], columns: [] };

/** A run as another version may have written it: what is missing is empty. */
function runOf(run: Record<string, unknown>): RunFacts {
  const list = (of: unknown) => (Array.isArray(of) ? of.filter(isObject) : []);
  const whole = { ...EMPTY_RUN, ...run } as RunFacts;
  return { ...whole, series: list(run.series).map((s) => ({ ...EMPTY_SERIES, ...s }) as SeriesFacts), layers: list(run.layers).map((l) => ({ ...EMPTY_MAP, ...l }) as HeatFacts) };
}

export function modelOf(data: PageData): Model {
  const { document, thumbnails } = data;
  const facts = document.facts ?? {};
  const pictures = isObject(facts.pictures) ? (facts.pictures as unknown as PictureFacts) : null;
  const boxes = isObject(facts.boxes) ? (facts.boxes as unknown as BoxFacts) : null;
  const fit = isObject(facts.fit) ? (facts.fit as unknown as FitFacts) : null;
  const preflight = isObject(facts.preflight) ? { ...EMPTY_PREFLIGHT, ...facts.preflight } as PreflightFacts : null;
  const runs = Array.isArray(facts.runs) ? (facts.runs as unknown[]).filter(isObject).map(runOf) : [];
  const table = document.subject.kind === "table" && !fit ? (facts as unknown as TableFacts) : null;
  const found = pointed(document);
  const points = pictures?.projection?.points ?? [];
  const samples: Sample[] = (pictures?.samples ?? []).map((picture, i) => ({
    name: pictureName(picture), label: picture.label ?? null, part: picture.part ?? "", at: pair(points[i]),
    findings: found.get(pictureKey(picture)) ?? [], picture, row: null,
  }));
  for (const row of table?.samples?.rows ?? []) {
    samples.push({
      name: row.name, label: row.label ?? null, part: "", at: pair(row.at),
      findings: found.get(row.name) ?? [], picture: null, row,
    });
  }
  const explained = pictures?.projection?.explained ?? table?.samples?.explained;
  return {
    document, pictures, boxes, table, fit, preflight, runs, jump: null, samples,
    columns: table?.samples?.columns ?? [],
    explained: samples.some((s) => s.at) ? pair(explained) ?? [NaN, NaN] : null,
    classes: classesOf(samples),
    thumbnail: (picture) => thumbnails[pictureKey(picture)],
  };
}

/** Labels of the samples, most frequent first. */
export function classesOf(samples: readonly { label: string | null }[]): string[] {
  const counts = new Map<string, number>();
  for (const { label } of samples) if (label !== null) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([label]) => label);
}

/** The sample that shows a picture of a finding. */
export function asSample(model: Model, picture: Pictured): Sample {
  const known = model.samples.find((s) => s.picture && pictureKey(s.picture) === pictureKey(picture));
  const findings = known?.findings ?? model.document.findings.flatMap((f, i) =>
    f.evidence.some((e) => e.kind === "pictures" && e.groups.flat().some((p) => pictureKey(p) === pictureKey(picture))) ? [i] : []);
  return {
    name: pictureName(picture), label: picture.label ?? known?.label ?? null, part: picture.part ?? "", at: known?.at ?? null,
    findings, picture, row: null,
  };
}
