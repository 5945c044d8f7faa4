type NumberArray = Float64Array | Float32Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;
type NumberArrayConstructor<T extends NumberArray> = new (length: number) => T;

/** An append-only typed column that doubles. */
export class Growable<T extends NumberArray> {
  #array: T;
  #length = 0;
  readonly #make: NumberArrayConstructor<T>;

  constructor(make: NumberArrayConstructor<T>, capacity = 64) {
    this.#make = make;
    this.#array = new make(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** The backing array, longer than `length`; replaced when the column grows, so never keep it. */
  get raw(): T {
    return this.#array;
  }

  at(index: number): number {
    return this.#array[index]!;
  }

  set(index: number, value: number): void {
    this.#array[index] = value;
  }

  push(value: number): void {
    if (this.#length === this.#array.length) this.reserve(1);
    this.#array[this.#length++] = value;
  }

  append(values: ArrayLike<number>): void {
    this.reserve(values.length);
    this.#array.set(values, this.#length);
    this.#length += values.length;
  }

  /** Room for `more` values beyond the present length. */
  reserve(more: number): void {
    const need = this.#length + more;
    if (need <= this.#array.length) return;
    const next = new this.#make(Math.max(need, this.#array.length * 2));
    next.set(this.#array.subarray(0, this.#length));
    this.#array = next;
  }

  /** Makes the next `count` places part of the column; what was written to `raw` there is kept. */
  extend(count: number): void {
    this.reserve(count);
    this.#length += count;
  }

  /** Forgets everything from `length` on. */
  truncate(length: number): void {
    if (length < this.#length) this.#length = length;
  }

  /** Forgets the first `count` values; the others move to the front. */
  dropFirst(count: number): void {
    this.#array.copyWithin(0, count, this.#length);
    this.#length -= Math.min(count, this.#length);
  }

  /** Inserts one value; everything from `index` on moves by one. */
  insert(index: number, value: number): void {
    this.reserve(1);
    this.#array.copyWithin(index + 1, index, this.#length);
    this.#array[index] = value;
    this.#length++;
  }

  /** A view of [from, to); valid until the next append. */
  view(from = 0, to = this.#length): T {
    return this.#array.subarray(from, to) as T;
  }

  /** A copy of [from, to). */
  slice(from = 0, to = this.#length): T {
    return this.#array.slice(from, to) as T;
  }
}
