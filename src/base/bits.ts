/** A set of whole numbers below a bound, a bit each. */
export class Bits {
  readonly #bytes: Uint8Array;

  constructor(bound: number) {
    this.#bytes = new Uint8Array(Math.ceil(bound / 8));
  }

  add(value: number): void {
    this.#bytes[value >>> 3]! |= 1 << (value & 7);
  }

  has(value: number): boolean {
    return (((this.#bytes[value >>> 3] ?? 0) >>> (value & 7)) & 1) === 1;
  }

  /** Whether any is in [first, end), which are multiples of 8. */
  any(first: number, end: number): boolean {
    for (let i = first >>> 3; i < end >>> 3; i++) if ((this.#bytes[i] ?? 0) !== 0) return true;
    return false;
  }
}
