/** Strings by index, each once. Index 0 is the empty string. */
export class StringTable {
  readonly #values: string[] = [''];
  readonly #indices = new Map<string, number>([['', 0]]);

  get length(): number {
    return this.#values.length;
  }

  intern(value: string): number {
    const known = this.#indices.get(value);
    if (known !== undefined) return known;
    const index = this.#values.length;
    this.#values.push(value);
    this.#indices.set(value, index);
    return index;
  }

  /** The empty string for an index that was never given out. */
  at(index: number): string {
    return this.#values[index] ?? '';
  }

  /** The index of a string that is known, or undefined; adds nothing. */
  find(value: string): number | undefined {
    return this.#indices.get(value);
  }

  valuesFrom(first: number): string[] {
    return this.#values.slice(first);
  }
}
