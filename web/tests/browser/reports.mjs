// Reports for the browser tests: those that the command makes, and documents that no reader makes.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { STETHO, PAGE, PAGE_DATA } = process.env;
if (!STETHO || !PAGE || !PAGE_DATA) throw new Error("run these tests with `cargo xtask test`, or set STETHO, PAGE and PAGE_DATA");
const folder = mkdtempSync(join(tmpdir(), "stetho-page-"));
export const EVIL = "<script>alert(1)</script>";

/** The page that the command makes of `data`. */
export function checked(name, data, ...words) {
  const out = join(folder, `${name}.html`);
  const run = spawnSync(STETHO, ["check", data, "--out", out, ...words], { encoding: "utf8", cwd: folder });
  if (run.status !== 0 && run.status !== 1) throw new Error(run.stderr);
  return out;
}

/** The page of a document, made by the same renderer. */
export function drawn(name, document) {
  const [report, page] = [join(folder, `${name}.json`), join(folder, `${name}.html`)];
  writeFileSync(report, JSON.stringify(document));
  execFileSync(PAGE, [report, page]);
  return page;
}

export const pets = () => checked("pets", join(PAGE_DATA, "pets"));

/** A table with repeated rows, a rare class, and a column named like markup. */
export function table() {
  const lines = ["a,b,<b>bold</b>,label"];
  for (let i = 0; i < 400; i++) {
    const j = i % 40 < 4 ? 7 : i;
    lines.push([Math.sin(j) * 3, ((j * 37) % 101) * 1000, (j * 13) % 17, j % 50 === 3 ? EVIL : ["yes", "no"][j % 2]].join(","));
  }
  mkdirSync(join(folder, "t"), { recursive: true });
  writeFileSync(join(folder, "t", "data.csv"), lines.join("\n"));
  return checked("table", "t/data.csv", "--target", "label");
}

export function base(more = {}) {
  return { schema: 1, stetho: "0.1.0", command: "check", subject: { paths: ["data"], kind: "boxes", items: 2 }, findings: [],
    outcomes: [{ rule: "tiny-box", outcome: "ran" }, { rule: "split-drift", outcome: "skipped", reason: "no `--test` given" }], facts: {}, ...more };
}

export function finding(more = {}) {
  return { rule: "degenerate-box", severity: "error", certainty: 1, message: "2 of 40 boxes have no width (limit 1 px)",
    why: "The logarithm of zero is not a number.", count: 2, places: [{ kind: "item", path: "ann/7.xml", index: 3, line: 41 }],
    evidence: [{ kind: "measure", name: "width", value: 0, limit: { at_least: 1 } }],
    remedies: [{ action: "drop the boxes", safety: "unsafe", command: "stetho prepare data --drop degenerate-box" }], ...more };
}

/** A grey gradient of w × h as a bitmap address. */
export function bitmap(w, h, seed = 0) {
  const row = Math.ceil((w * 3) / 4) * 4;
  const bytes = Buffer.alloc(54 + row * h);
  bytes.write("BM"); bytes.writeUInt32LE(bytes.length, 2); bytes.writeUInt32LE(54, 10); bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(w, 18); bytes.writeInt32LE(h, 22); bytes.writeUInt16LE(1, 26); bytes.writeUInt16LE(24, 28);
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) bytes.fill((x * 3 + y * 5 + seed * 31) & 255, 54 + y * row + x * 3, 57 + y * row + x * 3);
  return `data:image/bmp;base64,${bytes.toString("base64")}`;
}

const bins = (low, high, f) => ({ edges: Array.from({ length: 33 }, (_, i) => low + ((high - low) * i) / 32), counts: Array.from({ length: 32 }, (_, i) => Math.round(f(i))) });
const bell = (m, s, n) => (i) => n * Math.exp(-(((i - m) / s) ** 2));
const grid = (fx, fy) => ({ columns: 24, counts: Array.from({ length: 576 }, (_, i) => Math.round(40 * Math.exp(-(((i % 24) - fx) ** 2 + (Math.floor(i / 24) - fy) ** 2) / 30))) });

function pictureFacts(samples, more = {}) {
  return { layout: "Pascal VOC", parts: [["train", samples.length]], classes: [["raccoon", 30], [EVIL, 12]], formats: [["JPEG", 40]], channels: [["RGB", 40]],
    sizes: [[640, 480, 30], [800, 600, 8], [400, 300, 2]], mean: [0.48, 0.45, 0.4], std: [0.23, 0.22, 0.24],
    brightness: bins(0, 1, bell(15, 6, 40)), sharpness: bins(0, 1, bell(10, 5, 30)), samples,
    projection: { explained: [0.4, 0.2], points: samples.map((_, i) => [Math.cos(i) * (1 + (i % 5)), Math.sin(i * 1.7) * 2]) }, ...more };
}

/** A detection set with boxes on its pictures. */
export function boxes() {
  const box = (i, culprit) => ({ corners: [40 + i * 9, 30, culprit ? 40 + i * 9 : 300, 200 + i * 3], label: i % 3 ? "raccoon" : EVIL, is_culprit: culprit });
  const samples = Array.from({ length: 40 }, (_, i) => ({ path: `img/raccoon ${i}.jpg`, label: i % 3 ? "raccoon" : EVIL, part: i % 5 ? "train" : "test",
    boxes: [box(i % 9, false)], width: 640, height: 480, thumbnail: bitmap(64, 48, i) }));
  const found = [0, 1].map((i) => [{ path: `img/raccoon ${i + 4}.jpg`, label: "raccoon", caption: "box 3 has no width", boxes: [box(i, false), box(i + 3, true)], width: 640, height: 480, thumbnail: bitmap(160, 120, i) }]);
  const twins = [[0, 1].map((i) => ({ path: `img/raccoon ${i + 8}.jpg`, caption: i ? "copy in validation" : "in train", width: 640, height: 480, thumbnail: bitmap(160, 120, 3) }))];
  return base({ subject: { paths: ["raccoon"], kind: "boxes", items: 40 },
    findings: [
      finding({ evidence: [{ kind: "measure", name: "width", value: 0, limit: { at_least: 1 } }, { kind: "pictures", name: "boxes without width", groups: found }] }),
      finding({ rule: "duplicate-images", severity: "warning", certainty: 0.9, message: "1 picture is there twice", evidence: [{ kind: "pictures", name: "copies", groups: twins }],
        remedies: [{ action: "drop the copies", safety: "safe", code: "keep = frame.drop_duplicates()" }] }),
    ],
    facts: { pictures: pictureFacts(samples), boxes: { format: "Pascal VOC", boxes: 52, annotated: 40, empty: 1, classes: [["raccoon", 40], [EVIL, 12]],
      per_picture: [1, 30, 6, 3], sizes: grid(9, 11), positions: grid(12, 13), aspects: bins(-4, 4, bell(16, 4, 20)), sides: bins(0, 4, bell(19, 4, 20)) },
      command_line: "stetho check raccoon --out report.html", seconds: 3.2, skipped_files: ["`raccoon/notes.doc`: not a picture"] } });
}

/** Numbers that are none, strings that want to be markup, kinds that nobody knows yet. */
export function odd() {
  return base({ subject: { paths: [EVIL, "\u202e\u2028x"], kind: "run", items: 3 }, facts: { losses: { deep: [1, "NaN"] }, seconds: null,
    runs: [{ name: EVIL, series: [{ tag: EVIL, group: "loss", chart: EVIL, mean: ["NaN", 1, "Infinity"], first: [5], broken: { count: 1, first: 0, last: 2, is_last: true } }, { tag: "only" }, null],
      layers: [{ name: EVIL, scale: "logarithmic", layers: ["a", EVIL], first: [0], last: [1], columns: [["NaN", -1]] }, { name: "empty" }], findings: [0, 99] }] },
    findings: [finding({ message: `class \`${EVIL}\` </script><img src=x onerror=alert(1)>`, count: 9, places: [{ kind: "steps", first: 3, last: 5 }, { kind: "whole" }],
      evidence: [{ kind: "measure", name: "loss", value: "NaN", limit: { at_most: "Infinity" } }, { kind: "bars", name: "b", bars: [["x", "NaN"], ["y", "Infinity"], ["z", 2]] },
        { kind: "histogram", name: "h", edges: ["-Infinity", 0, "NaN"], counts: [1, 2] }, { kind: "table", name: "t", columns: ["a"], rows: [["1"], [EVIL]] },
        { kind: "excerpt", path: "x.py", line: 3, text: `${EVIL}\n\u001b[31m` }] })] });
}

export const healthy = () => base({ subject: { paths: ["fine"], kind: "table", items: 9 }, facts: { rows: 9, columns: 2, kinds: {}, files: [], splits: [], column_profiles: [], skipped_files: [], target: null, command_line: "", seconds: 0.1 } });

/** A hundred thousand pictures: as many facts, samples and pictures of findings as the command puts into a page. */
export function large() {
  const picture = (name, side, seed) => ({ path: `data/some/class/folder/${name}.jpg`, label: `class ${seed % 100}`, width: 640, height: 480, thumbnail: bitmap(side, side, seed) });
  const samples = Array.from({ length: 600 }, (_, i) => picture(`picture ${i * 166}`, 42, i));
  const findings = ["dark-image", "blurry-image", "near-duplicate-images", "duplicate-images", "low-information-image"].map((rule, r) =>
    finding({ rule, severity: "warning", message: `${1000 * (r + 1)} pictures`, count: 1000 * (r + 1), places: Array.from({ length: 100 }, (_, i) => ({ kind: "item", path: `data/some/class/folder/${rule} ${i}.jpg` })),
      evidence: [{ kind: "pictures", name: rule, groups: Array.from({ length: 40 }, (_, g) => Array.from({ length: 3 }, (_, i) => picture(`${rule} ${g} ${i}`, 100, g + i + r))) }] }));
  const classes = Array.from({ length: 1000 }, (_, i) => [`class ${i}`, 100]);
  return base({ subject: { paths: ["data"], kind: "images", items: 100000 }, findings, facts: { pictures: pictureFacts(samples, { classes }) } });
}

/** A preflight in which one experiment found something and one was not made. */
export function preflight() {
  const picture = (i) => ({ path: "first batch", index: i, label: i % 2 ? EVIL : "cat", boxes: [{ corners: [4, 4, 20, 20], label: "", is_culprit: false }],
    width: 28, height: 28, thumbnail: bitmap(28, 28, i) });
  const curve = (name, lines) => ({ kind: "curves", name, x: "step", lines: lines.map(([label, f]) => ({ label, points: Array.from({ length: 30 }, (_, i) => [i, f(i)]) })) });
  return base({ command: "preflight", subject: { paths: ["train.py"], kind: "script", items: 2 },
    findings: [finding({ rule: "cannot-overfit-batch", message: "8 samples cannot be learned by heart: the loss goes 2.31 → 2.3", places: [{ kind: "whole" }] })],
    facts: { preflight: { seconds: 12.3, budget: 60, model: "Net: 1,234 numbers in 10 modules", batch: "4 samples: x float32 4×1×28×28", raised: "",
      checks: [{ name: "facts", title: "the step as it is", state: "passed", rules: [], note: "loss before training 2.31", seconds: 1.2 },
        { name: "overfit", title: "overfit one batch", state: "found", severity: "error", rules: ["cannot-overfit-batch"], note: "loss 2.31 → 2.3", seconds: 3.1 },
        { name: "causal", title: "the future stays unseen", state: "skipped", rules: [], note: "the inputs are no tokens", seconds: 0 }],
      seen: [{ kind: "pictures", name: "the first batch as the network sees it", groups: [0, 1, 2, 3].map((i) => [picture(i)]) },
        { kind: "histogram", name: "input `x`: mean 0, standard deviation 1", ...bins(-3, 3, bell(15, 6, 40)) },
        { kind: "bars", name: "labels of `y` in the first batch", bars: [["cat", 2], [EVIL, 2]] }],
      figures: [curve("8 samples learned by heart", [["SGD, as the script has it", () => 2.31], ["Adam at 1e-3", (i) => 2.3 - i / 300]])] } } });
}
