/** A binary heap: the item with the least number first. */
export class PriorityQueue<T> {
  readonly #heap: T[] = [];
  readonly #rank: (item: T) => number;

  constructor(rank: (item: T) => number) {
    this.#rank = rank;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** The next `most` items in their order, left where they are. */
  first(most: number): T[] {
    const items: T[] = [];
    // Places whose parents are taken: the next item is at one of them.
    const open = this.#heap.length > 0 ? [0] : [];
    while (items.length < most && open.length > 0) {
      let best = 0;
      for (let i = 1; i < open.length; i++) if (this.#rankAt(open[i]!) < this.#rankAt(open[best]!)) best = i;
      const at = open.splice(best, 1)[0]!;
      items.push(this.#heap[at]!);
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < this.#heap.length) open.push(child);
    }
    return items;
  }

  push(item: T): void {
    const heap = this.#heap;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#rank(heap[parent]!) <= this.#rank(item)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = item;
  }

  pop(): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#rank(heap[child + 1]!) < this.#rank(heap[child]!)) child++;
      if (this.#rank(heap[child]!) >= this.#rank(last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  #rankAt(at: number): number {
    return this.#rank(this.#heap[at]!);
  }
}
