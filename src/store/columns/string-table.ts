import { Pager } from '../paging/pager.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';
import { PagedStrings, type PagedStringsOptions } from './paged-strings.ts';

/** The first ones, which are all that most tables have, are kept as they are. */
const PLAIN = 4_096;
/** What one of them takes beside its characters. */
const BESIDE = 96;
/** Strings that are put down together. */
const PART = 2_000;

/**
 * Strings by index, each once. Index 0 is the empty string. What it takes counts as memory of the history: Dask names a group of
 * tasks for each collection and each layer of it, of which a long history has as many as one likes.
 */
export class StringTable {
  readonly #pager: Pager;
  readonly #plain: string[] = [''];
  readonly #indices = new Map<string, number>([['', 0]]);
  readonly #others: PagedStrings;

  constructor(pager = new Pager(), options: PagedStringsOptions = {}) {
    this.#pager = pager;
    this.#others = new PagedStrings(pager, options);
  }

  get length(): number {
    return this.#plain.length + this.#others.length;
  }

  intern(value: string): number {
    const known = this.#indices.get(value);
    if (known !== undefined) return known;
    const index = this.#plain.length;
    if (index >= PLAIN) return PLAIN + this.#others.intern(value);
    this.#pager.charge(BESIDE + 2 * value.length);
    this.#plain.push(value);
    this.#indices.set(value, index);
    return index;
  }

  /** The empty string for an index that was never given out. */
  at(index: number): string {
    return this.#plain[index] ?? this.#others.at(index - PLAIN);
  }

  /** The index of a string that is known, or undefined; adds nothing. */
  find(value: string): number | undefined {
    const plain = this.#indices.get(value);
    if (plain !== undefined || this.#others.length === 0) return plain;
    const other = this.#others.find(value);
    return other === undefined ? undefined : PLAIN + other;
  }

  save(into: StateWriter): void {
    const { length } = this.#plain;
    into.number(length);
    for (let at = 1; at < length; at += PART) into.text(() => this.#plain.slice(at, Math.min(length, at + PART)));
    this.#others.save(into);
  }

  load(from: StateReader): void {
    const length = from.number();
    for (let at = 1; at < length; at += PART) for (const value of from.text<string[]>()) this.intern(value);
    this.#others.load(from);
  }

  valuesFrom(first: number): string[] {
    const values = this.#plain.slice(first);
    for (let index = Math.max(first, this.#plain.length); index < this.length; index++) values.push(this.at(index));
    return values;
  }
}
