import { type Page, Pager } from './pager.ts';
import { StateError, type StateReader, type StateWriter } from './state.ts';

/** What it begins with. */
const FEW_BYTES = 1_024;

/** Bytes behind one another, in pages, that only get more. */
export class PagedBytes {
  readonly #pager: Pager;
  readonly #pages: Page<Uint8Array<ArrayBuffer>>[] = [];
  /** The first page while it is less than one. */
  #few: Uint8Array<ArrayBuffer> | null = new Uint8Array(FEW_BYTES);
  #length = 0;
  #dropped = 0;

  constructor(pager = new Pager()) {
    this.#pager = pager;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes taken, in memory or not. */
  get bytes(): number {
    return this.#few?.length ?? this.#pages.length * this.#pager.bytes;
  }

  /** The first `length` bytes of `bytes`. */
  append(bytes: Uint8Array, length: number): void {
    if (this.#few !== null && this.#length + length <= this.#pager.bytes) {
      let few = this.#few;
      while (this.#length + length > few.length) few = copyInto(new Uint8Array(few.length * 2), few);
      few.set(bytes.subarray(0, length), this.#length);
      this.#few = few;
      this.#length += length;
      return;
    }
    this.#settle();
    for (let done = 0; done < length; ) {
      const at = this.#length % this.#pager.bytes;
      const page = at === 0 ? this.#begin() : this.#pages.at(-1)!;
      const values = page.values ?? this.#pager.load(page);
      if (!this.#pager.isFree(page)) this.#pager.change(page);
      const part = Math.min(length - done, this.#pager.bytes - at);
      values.set(bytes.subarray(done, done + part), at);
      done += part;
      this.#length += part;
    }
  }

  /** The bytes [from, to): not to be kept, and not to be written to. */
  at(from: number, to: number): Uint8Array {
    if (this.#few !== null) return this.#few.subarray(from, to);
    const size = this.#pager.bytes;
    const first = Math.floor(from / size);
    if (to <= (first + 1) * size) return this.#page(first).subarray(from - first * size, to - first * size);
    const whole = new Uint8Array(to - from);
    for (let page = first; page * size < to; page++) {
      const start = Math.max(from, page * size);
      const stop = Math.min(to, (page + 1) * size);
      whole.set(this.#page(page).subarray(start - page * size, stop - page * size), start - from);
    }
    return whole;
  }

  /** Gives up the pages that lie before `end`: they read as zeros. */
  drop(end: number): void {
    while ((this.#dropped + 1) * this.#pager.bytes <= end && this.#dropped + 1 < this.#pages.length) {
      this.#pager.drop(this.#pages[this.#dropped++]!);
    }
  }

  save(into: StateWriter): void {
    this.#settle();
    into.number(this.#length);
    for (const page of this.#pages) into.page(page);
  }

  load(from: StateReader): void {
    this.#length = from.number();
    this.#few = null;
    const pages = Math.ceil(this.#length / this.#pager.bytes);
    for (let i = 0; i < pages; i++) {
      let whole = true;
      const page = from.page(this.#pager, asBytes, () => {
        whole = false;
      });
      this.#pages.push(page);
      if (i + 1 < pages || this.#length % this.#pager.bytes === 0) continue;
      page.pins++;
      this.#pager.load(page);
      if (!whole) throw new StateError('a page is damaged');
    }
  }

  #page(index: number): Uint8Array {
    const page = this.#pages[index]!;
    page.used = true;
    return page.values ?? this.#pager.load(page);
  }

  /** The page that grows stays in memory. */
  #begin(): Page<Uint8Array<ArrayBuffer>> {
    const before = this.#pages.at(-1);
    if (before !== undefined) before.pins = 0;
    const page = this.#pager.allocate(asBytes, () => {});
    page.pins = 1;
    this.#pages.push(page);
    return page;
  }

  /** The first page becomes a whole one. */
  #settle(): void {
    const few = this.#few;
    if (few === null) return;
    this.#few = null;
    if (this.#length > 0) this.#begin().values!.set(few.subarray(0, this.#length));
  }
}

const asBytes = (frame: ArrayBuffer): Uint8Array<ArrayBuffer> => new Uint8Array(frame);

function copyInto(into: Uint8Array<ArrayBuffer>, from: Uint8Array): Uint8Array<ArrayBuffer> {
  into.set(from);
  return into;
}
