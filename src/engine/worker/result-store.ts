/** Serialised results that a worker process holds, by key. */
export class ResultStore {
  readonly #entries = new Map<string, { readonly attempt: number; readonly data: Uint8Array }>();
  /** Measured bytes of all results. */
  nbytes = 0;

  set(key: string, attempt: number, data: Uint8Array): void {
    this.delete(key);
    this.#entries.set(key, { attempt, data });
    this.nbytes += data.byteLength;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The largest results, largest first. */
  largest(most: number): { readonly key: string; readonly attempt: number; readonly nbytes: number }[] {
    const all = [...this.#entries].map(([key, { attempt, data }]) => ({ key, attempt, nbytes: data.byteLength }));
    return all.sort((a, b) => b.nbytes - a.nbytes).slice(0, most);
  }

  get(key: string, attempt: number): Uint8Array | undefined {
    const entry = this.#entries.get(key);
    return entry?.attempt === attempt ? entry.data : undefined;
  }

  /** @param attempt only that one; absent: whichever is there */
  delete(key: string, attempt?: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || (attempt !== undefined && entry.attempt !== attempt)) return;
    this.#entries.delete(key);
    this.nbytes -= entry.data.byteLength;
  }
}
