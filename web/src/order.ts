// Orders of samples, and random numbers that are the same for the same seed.

/** A generator of numbers from 0 to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The items in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const out = items.slice();
  const random = seeded(seed);
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

export type Order = "worst" | "class" | "random";

interface Ordered { label: string | null; findings: readonly number[] }

/** Samples in an order: those with the worst and the most findings first, by class, or at random. */
export function ordered<T extends Ordered>(samples: readonly T[], order: Order, seed: number): T[] {
  if (order === "random") return shuffled(samples, seed);
  const collator = new Intl.Collator("en", { numeric: true });
  if (order === "class") {
    return samples.slice().sort((a, b) => collator.compare(a.label ?? "\uffff", b.label ?? "\uffff"));
  }
  // Findings are ranked worst first, so the smallest number is the worst.
  const worst = (s: T) => (s.findings.length ? Math.min(...s.findings) : Infinity);
  const compare = (a: T, b: T) => {
    const [x, y] = [worst(a), worst(b)];
    return x === y ? b.findings.length - a.findings.length : x < y ? -1 : 1;
  };
  return samples.slice().sort(compare);
}
