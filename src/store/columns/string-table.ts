import type { StateReader, StateWriter } from '../paging/state.ts';

/** Strings that are put down together. */
const PART = 2_000;

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

  save(into: StateWriter): void {
    const { length } = this;
    into.number(length);
    for (let at = 1; at < length; at += PART) into.text(() => this.#values.slice(at, Math.min(length, at + PART)));
  }

  load(from: StateReader): void {
    const length = from.number();
    for (let at = 1; at < length; at += PART) for (const value of from.text<string[]>()) this.intern(value);
  }

  valuesFrom(first: number): string[] {
    return this.#values.slice(first);
  }
}
