/** The last so many of something: what a debug page can show of the past without growing. */
export class Ring<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  /** All that was ever pushed. */
  total = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items[this.total++ % this.#capacity] = item;
  }

  /** Newest first. */
  newest(most: number): T[] {
    const count = Math.min(most, this.size);
    return Array.from({ length: count }, (_, i) => this.#items[(this.total - 1 - i) % this.#capacity]!);
  }

  /** All that are kept, oldest first. */
  oldestFirst(): T[] {
    return this.newest(this.size).reverse();
  }
}
