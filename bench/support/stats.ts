/** The value below which a share `p` (0..1) of the values lies, between neighbours by their distance. NaN for none. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * p;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export interface Interval {
  readonly median: number;
  /** 95 % interval of the median. */
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
}

/**
 * The median of paired ratios with its 95 % interval by bootstrap: pairs are drawn with replacement, as often as there are,
 * 4,000 times. The draws are the same for the same input.
 */
export function ratioInterval(ratios: readonly number[]): Interval {
  const draw = generator(ratios.length);
  const medians = Array.from({ length: 4_000 }, () =>
    median(ratios.map(() => ratios[Math.floor(draw() * ratios.length)] ?? Number.NaN)),
  );
  return {
    median: median(ratios),
    low: quantile(medians, 0.025),
    high: quantile(medians, 0.975),
    pairs: ratios.length,
  };
}

/** Uniform numbers in [0, 1), the same for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = (seed * 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
