/** Values below this have a bucket each; above, so many buckets share a doubling. */
const EXACT = 128;
const PER_DOUBLING = 64;

/** Counts of whole numbers, for quantiles within 1 % whatever their number and range; small in memory where they are alike. */
export class LogHistogram {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = Number.NEGATIVE_INFINITY;

  get count(): number {
    return this.#count;
  }

  /** The greatest value; -Infinity for none. */
  get most(): number {
    return this.#most;
  }

  add(value: number): void {
    const bucket = bucketOf(value);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#count++;
    if (value < this.#least) this.#least = value;
    if (value > this.#most) this.#most = value;
  }

  /** A value that a share `p` (0..1) of the values does not exceed, to within 1 %. NaN for none. */
  quantile(p: number): number {
    const wanted = Math.max(1, Math.ceil(p * this.#count));
    let passed = 0;
    for (const bucket of [...this.#counts.keys()].sort((a, b) => a - b)) {
      passed += this.#counts.get(bucket)!;
      if (passed >= wanted) return Math.min(this.#most, Math.max(this.#least, middleOf(bucket)));
    }
    return Number.NaN;
  }
}

function bucketOf(value: number): number {
  if (value < EXACT) return value;
  // Most are as small as that, and whoever goes through millions of them waits for this.
  const small = value < 2 ** 31;
  const doubling = small ? 24 - Math.clz32(value) : Math.floor(Math.log2(value / EXACT));
  const step = small ? 2 << doubling : (EXACT * 2 ** doubling) / PER_DOUBLING;
  return EXACT + doubling * PER_DOUBLING + Math.floor(value / step) - PER_DOUBLING;
}

function middleOf(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const doubling = Math.floor((bucket - EXACT) / PER_DOUBLING);
  const step = (EXACT * 2 ** doubling) / PER_DOUBLING;
  return (((bucket - EXACT) % PER_DOUBLING) + PER_DOUBLING + 0.5) * step;
}
