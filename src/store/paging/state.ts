import { Growable } from '../../base/growable.ts';
import type { PageFile } from '../../base/page-file.ts';
import { LOST_SLOT } from './capture.ts';
import type { Page, Pager, PageValues } from './pager.ts';

/**
 * What is put down and taken up again of a history besides its pages: numbers, words and texts behind one another, and pages in
 * the order in which they were named. A reader asks for the same things in the same order.
 */
export class StateWriter {
  /** What is complete of them; the rest is in the two below. */
  readonly #numberParts: Float64Array[] = [];
  readonly #wordParts: Uint32Array[] = [];
  readonly #numbers = new Growable(Float64Array, PART);
  readonly #words = new Growable(Uint32Array, PART);
  readonly #texts: (() => unknown)[] = [];
  #later: (() => boolean) | null = null;
  readonly pages: Page[] = [];
  /** Places in `pages` of those that a reader needs at once. */
  readonly #pinned: number[] = [];

  number(value: number): void {
    this.#numbers.push(value);
  }

  numbers(values: Float64Array | readonly number[]): void {
    put(this.#numbers, this.#numberParts, values);
  }

  /** Whole numbers below 2^32. */
  words(values: Uint32Array | readonly number[]): void {
    put(this.#words, this.#wordParts, values);
  }

  /** Anything that JSON has, and numbers that it has not. It may be asked for later: it must not change. */
  text(value: () => unknown): void {
    this.#texts.push(value);
  }

  page(page: Page): void {
    if (page.pins > 0) this.#pinned.push(this.pages.length);
    this.pages.push(page);
  }

  /**
   * The last thing: what is put down a bit at each call until that says true, in numbers and words. Whoever does so sees to it that
   * this is what there is now. One at most.
   */
  later(step: () => boolean): void {
    this.#later = step;
  }

  /** Puts down a bit of what was left for later. True when nothing is left. */
  step(): boolean {
    if (this.#later?.() ?? true) this.#later = null;
    return this.#later === null;
  }

  /** The sections of a file, which are not changed any more: the texts one step after another. */
  get parts(): StateParts {
    while (!this.step());
    finish(this.#numbers, this.#numberParts);
    finish(this.#words, this.#wordParts);
    return { numbers: this.#numberParts, words: this.#wordParts, texts: this.#texts, pinned: this.#pinned };
  }
}

/** About so many values are one part: appending to long ones would copy them again and again. */
const PART = 65_536;

/** The number of the values, and these. Most of them are few and in plain arrays, which `set` is slow with. */
function put<T extends Float64Array | Uint32Array>(into: Growable<T>, parts: T[], values: T | readonly number[]): void {
  const { length } = values;
  if (ArrayBuffer.isView(values) && length >= PART) {
    into.push(length);
    finish(into, parts);
    parts.push(values.slice() as T);
    return;
  }
  const at = into.length;
  into.extend(length + 1);
  const { raw } = into;
  raw[at] = length;
  if (ArrayBuffer.isView(values)) raw.set(values, at + 1);
  else for (let i = 0; i < length; i++) raw[at + 1 + i] = values[i]!;
  if (into.length >= PART) finish(into, parts);
}

/** Makes a part of what there is. */
function finish<T extends Float64Array | Uint32Array>(values: Growable<T>, parts: T[]): void {
  if (values.length === 0) return;
  parts.push(values.slice());
  values.truncate(0);
}

export interface StateParts {
  readonly numbers: readonly Float64Array[];
  readonly words: readonly Uint32Array[];
  readonly texts: readonly (() => unknown)[];
  readonly pinned: readonly number[];
}

/** Throws {@link StateError} where there is less than is asked for. */
export class StateReader {
  readonly #numbers: Float64Array;
  readonly #words: Uint32Array;
  readonly #texts: readonly string[];
  readonly #pages: PageTable;
  #number = 0;
  #word = 0;
  #text = 0;
  #page = 0;

  constructor(
    state: { readonly numbers: Float64Array; readonly words: Uint32Array; readonly texts: readonly string[] },
    pages: PageTable,
  ) {
    this.#numbers = state.numbers;
    this.#words = state.words;
    this.#texts = state.texts;
    this.#pages = pages;
  }

  number(): number {
    if (this.#number >= this.#numbers.length) throw new StateError('it has too few numbers');
    return this.#numbers[this.#number++]!;
  }

  numbers(): Float64Array {
    const length = this.number();
    if (!(length >= 0 && this.#number + length <= this.#numbers.length)) throw new StateError('it has too few numbers');
    this.#number += length;
    return this.#numbers.subarray(this.#number - length, this.#number);
  }

  words(): Uint32Array {
    const length = this.#words[this.#word++] ?? Number.NaN;
    if (!(this.#word + length <= this.#words.length)) throw new StateError('it has too few words');
    this.#word += length;
    return this.#words.subarray(this.#word - length, this.#word);
  }

  /** What was written, as whoever asks knows it: the file is ours. */
  text<T>(): T {
    const text = this.#texts[this.#text++];
    if (text === undefined) throw new StateError('it has too few texts');
    return parseText(text) as T;
  }

  page<T extends PageValues>(pager: Pager, view: Page<T>['view'], lost: () => void): Page<T> {
    const { file, slots } = this.#pages;
    const index = this.#page++;
    const slot = slots[index];
    if (slot === undefined || slot === LOST_SLOT) throw new StateError('it lacks a page');
    return pager.restore(view, lost, file, slot);
  }
}

export interface PageTable {
  readonly file: PageFile;
  readonly slots: Uint32Array;
}

/** Reads the pages that are needed at once, and throws where one is damaged: a store is not to be taken up by halves. */
export function readPinned({ file, slots }: PageTable, pinned: readonly number[], bytes: number): void {
  const frame = new Uint8Array(bytes);
  for (const place of pinned) file.read((slots[place] ?? LOST_SLOT) * bytes, frame);
}

export class StateError extends Error {
  override readonly name = 'StateError';
}

/** JSON, with the numbers that it has not. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'number' && !Number.isFinite(item) ? { $number: String(item) } : item,
  );
}

function parseText(text: string): unknown {
  if (!text.includes('$number')) return JSON.parse(text);
  return JSON.parse(text, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && '$number' in item ? Number(item.$number) : item,
  );
}
