/** The greatest of many values, at most `limit` of them: a heap with the least of them on top. */
export class Top {
  readonly #limit: number;
  readonly #items: number[] = [];
  readonly #values: number[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Of equal values the ones that came first stay. */
  offer(item: number, value: number): void {
    const { length } = this.#items;
    if (length < this.#limit) {
      this.#up(item, value, length);
    } else if (length > 0 && value > this.#values[0]!) {
      this.#down(item, value);
    }
  }

  /** The greatest first; of equal ones that which came first. */
  list(): number[] {
    const order = this.#items.map((_, i) => i);
    order.sort((a, b) => this.#values[b]! - this.#values[a]! || this.#items[a]! - this.#items[b]!);
    return order.map((i) => this.#items[i]!);
  }

  #up(item: number, value: number, from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(item, value, parent)) break;
      this.#items[at] = this.#items[parent]!;
      this.#values[at] = this.#values[parent]!;
      at = parent;
    }
    this.#items[at] = item;
    this.#values[at] = value;
  }

  #down(item: number, value: number): void {
    const { length } = this.#items;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#before(this.#items[child + 1]!, this.#values[child + 1]!, child)) child++;
      if (this.#before(item, value, child)) break;
      this.#items[at] = this.#items[child]!;
      this.#values[at] = this.#values[child]!;
      at = child;
    }
    this.#items[at] = item;
    this.#values[at] = value;
  }

  /** Whether (item, value) goes before the one at a place: the lesser value, or the later of equals. */
  #before(item: number, value: number, place: number): boolean {
    const other = this.#values[place]!;
    return value < other || (value === other && item > this.#items[place]!);
  }
}
