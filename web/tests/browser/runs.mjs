// Reports on training runs: what a log of a real training leaves in a report.
import { base, finding, EVIL } from "./reports.mjs";

/** Noise that is the same in every run. */
function noise(seed) {
  let state = seed >>> 0;
  const next = () => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return state / 4294967296; };
  return () => next() + next() + next() - 1.5;
}

export const word = (v) => (Number.isNaN(v) ? "NaN" : v === Infinity ? "Infinity" : v === -Infinity ? "-Infinity" : Number(v.toPrecision(6)));

/** A series in `n` stretches of `width` steps. */
export function series(tag, group, chart, f, { part = "", name = "", n = 400, width = 25, spread = 0.05, seconds = 0.4, seed = 1, ...more } = {}) {
  const random = noise(seed + tag.length * 7919);
  const of = (g) => Array.from({ length: n }, (_, i) => g(i));
  const middle = of((i) => f(i * width) * (1 + spread * 0.3 * random()));
  return { tag, group, chart, part, name, points: n * width, from: 0, first: of((i) => i * width), last: of((i) => i * width + width - 1), time: of((i) => word((i + 1) * width * seconds)),
    mean: middle.map(word), min: middle.map((v) => word(v - Math.abs(v) * spread)), max: middle.map((v) => word(v + Math.abs(v) * spread)), ...more };
}

export function layers(names, f, more = {}) {
  const n = 60;
  return { name: "gradient norm", scale: "logarithmic", layers: names, left_out: 0, from: 0, first: Array.from({ length: n }, (_, i) => i * 160), last: Array.from({ length: n }, (_, i) => i * 160 + 159),
    columns: Array.from({ length: n }, (_, c) => names.map((_, r) => word(f(c / n, r / names.length)))), ...more };
}

export function run(name, list, more = {}) {
  return { name, unit: "step", restarts: [], last_step: 9999, start: 1.7e9, seconds: 4000, is_over: true, series: list, layers: [], findings: [], ...more };
}

const NAMES = ["stem.conv", ...Array.from({ length: 16 }, (_, i) => `blocks.${i}.${i % 2 ? "mlp.fc1" : "attn.qkv"}`), "norm", `head.${EVIL}`];
const falls = (a, b, c) => (s) => a * Math.exp(-s / b) + c;

/** A run that overfits after a spike, with a dead layer. */
export function one() {
  const val = (s) => 2.2 * Math.exp(-s / 1500) + 0.62 + Math.max(0, s - 4000) * 4e-5;
  const list = [
    series("train/loss", "loss", "loss", (s) => (Math.abs(s - 2600) < 60 ? 3.2 : falls(2.3, 1400, 0.08)(s)), { part: "training", spread: 0.16 }),
    series("val/loss", "loss", "loss", val, { part: "validation", n: 20, width: 500, spread: 0 }),
    series("train/aux_loss", "loss", "loss term aux", falls(0.8, 900, 0.2), { part: "training", name: "aux", seed: 5 }),
    series("train/acc", "metric", "accuracy", (s) => 1 - falls(0.9, 1300, 0.02)(s), { part: "training", name: "accuracy", spread: 0.02 }),
    series("val/acc", "metric", "accuracy", (s) => 1 - falls(0.9, 1500, 0.21)(s) - Math.max(0, s - 4000) * 1e-5, { part: "validation", name: "accuracy", n: 20, width: 500, spread: 0 }),
    series("lr", "learning_rate", "learning rate", (s) => (s < 500 ? s / 500 : 0.5 + 0.5 * Math.cos(Math.PI * (s - 500) / 9500)) * 3e-4, { spread: 0 }),
    series("grad_norm", "gradient", "gradient norm", (s) => (Math.abs(s - 2600) < 60 ? 900 : 1.1 + falls(4, 700, 0)(s)), { spread: 0.4 }),
    series("clip", "gradient", "gradient norm", () => 1, { spread: 0, n: 2, width: 5000 }),
    series("time/step", "time", "seconds a step", () => 0.4, { name: "step" }),
    series("time/data", "time", "seconds a step", (s) => 0.05 + (s > 6000 ? 0.2 : 0), { name: "data" }),
    series("gpu_memory", "memory", "memory", (s) => 6.1e9 + s * 1e4, { spread: 0.001 }),
    series(`epoch ${EVIL}`, "other", `epoch ${EVIL}`, (s) => Math.floor(s / 500), { spread: 0 }),
  ];
  const maps = [
    layers(NAMES, (x, y) => 10 ** (-1 - 3 * y + Math.sin(6 * x) * 0.3 - (y > 0.8 && x > 0.6 ? 3 : 0))),
    layers(NAMES, (x, y) => Math.min(1, Math.max(0, (y > 0.4 && y < 0.5 ? 0.3 + x : 0.04 + 0.1 * y))), { name: "share of dead units", scale: "share" }),
    layers(NAMES, (x, y) => (x > 0.9 && y > 0.9 ? NaN : y - x * 0.4), { name: "mean activation", scale: "linear" }),
  ];
  const at = (first, last) => [{ kind: "steps", first, last }];
  return base({ command: "watch", subject: { paths: ["runs/resnet"], kind: "run", items: 9999 },
    facts: { runs: [run("runs/resnet", list, { layers: maps, restarts: [5200], findings: [0, 1, 2, 3] })], command_line: "stetho watch runs/resnet", seconds: 0.2 },
    findings: [
      finding({ rule: "loss-spike", severity: "error", message: "`train/loss` jumps to 3.2 at step 2600, 9 times its swing", places: at(2575, 2650), count: 75, why: "One batch moved the weights far.",
        evidence: [{ kind: "measure", name: "jump in units of the swing before it", value: 9.1, limit: { at_most: 4 } }], remedies: [{ action: "clip the gradient norm at 2.4", safety: "advice" }] }),
      finding({ rule: "overfitting", severity: "warning", certainty: 0.9, message: "`val/loss` rises since step 4000 while `train/loss` falls", places: at(4000, 9999), count: 6000,
        remedies: [{ action: "stop at step 4000, whose checkpoint is the best", safety: "advice" }, { action: "or more weight decay", safety: "advice" }] }),
      finding({ rule: "dead-units", severity: "warning", certainty: 0.8, message: "92 % of the units of `blocks.7.mlp.fc1` are dead", places: [{ kind: "layer", name: "blocks.7.mlp.fc1" }], count: 1, remedies: [{ action: "lower the learning rate", safety: "advice" }] }),
      finding({ rule: "slow-data", severity: "info", message: "since step 6000 half of each step waits for data", places: at(6000, 9999), count: 4000, remedies: [{ action: "more workers in the data loader", safety: "safe" }] }),
    ] });
}

/** Four runs compared; one becomes NaN. */
export function several() {
  const of = (name, rate, k) => run(`sweep/${name}`, [
    series("train/loss", "loss", "loss", falls(2.3, 1400 / rate, 0.1 + 0.1 * k), { part: "training", seed: k, ...(k === 3 ? { n: 120, broken: { count: 900, first: 3000, last: 9999, is_last: true } } : {}) }),
    series("val/loss", "loss", "loss", falls(2.2, 1500 / rate, 0.4 + 0.1 * k), { part: "validation", n: 20, width: 500, spread: 0, seed: k }),
    series("lr", "learning_rate", "learning rate", () => rate * 1e-3, { spread: 0 }),
    ...(k === 0 ? [series("reward", "other", "reward", (s) => -5 + s / 1000)] : []),
  ], { findings: k === 3 ? [0] : [], seconds: 4000 + k * 500, layers: k < 2 ? [layers(NAMES.slice(0, 8), (x, y) => 10 ** (-2 * y - x * k))] : [] });
  return base({ command: "watch", subject: { paths: ["sweep"], kind: "run", items: 9999 }, facts: { runs: ["lr=1e-3", "lr=2e-3", "lr=4e-3", EVIL].map((n, k) => of(n, 2 ** k, k)) },
    findings: [finding({ rule: "non-finite-loss", message: "`train/loss` is NaN at step 3000, and has been since", places: [{ kind: "steps", first: 3000, last: 9999 }], count: 900, remedies: [{ action: "lower the learning rate from 0.008 to 0.0008", safety: "advice" }] })] });
}

/** Two hundred series of 500 stretches, and a thousand layers. */
export function many() {
  const list = Array.from({ length: 200 }, (_, i) => series(`metrics/group ${i % 9}/value ${i}`, i < 4 ? "loss" : "other", i < 4 ? ["loss", "loss", "loss term a", "loss term b"][i] : `metrics/group ${i % 9}/value ${i}`,
    falls(1 + i, 2000, 0.1), { part: i < 2 ? ["training", "validation"][i] : "", n: 500, width: 200, seed: i }));
  const names = Array.from({ length: 1000 }, (_, i) => `transformer.layers.${i}.mlp.weight`);
  return base({ command: "watch", subject: { paths: ["big"], kind: "run", items: 100000 }, facts: { runs: [run("big", list, { layers: [layers(names, (x, y) => 10 ** (-4 * y))], last_step: 99999 })] } });
}
