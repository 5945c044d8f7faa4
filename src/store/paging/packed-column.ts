import { type Page, Pager, type PageValues } from './pager.ts';
import { StateError, type StateReader, type StateWriter } from './state.ts';

const WIDTHS = [Uint8Array, Uint16Array, Uint32Array, Float64Array] as const;
const LARGEST = [0xff, 0xffff, 0xffff_ffff, Number.POSITIVE_INFINITY];
/** Rows that a column begins with. */
const FEW_ROWS = 256;

/** As many rows as a page has bytes. */
interface Chunk {
  /** As many as their values need: one, two, four or eight. */
  pages: Page[];
  /** Added to each value. */
  base: number;
  /** Index into WIDTHS; a value takes 2^width bytes. */
  width: number;
  /** Rows of a page: 2^bits. */
  bits: number;
  /** Rows that it has: 0 for all of them. */
  small: number;
}

export interface PackedColumnOptions {
  /** Values are told from the first one of their chunk (times). */
  readonly relative?: boolean;
  /** What a row reads as that had to be given up. Default 0. */
  readonly lost?: number;
}

/**
 * An append-only column of numbers that takes no more bytes a row than its values need, chunk by chunk: growing never copies what
 * is there, and what was not read for long is not in memory. A chunk that meets a number too large for it (or not whole, or
 * negative) gets wider.
 */
export class PackedColumn {
  readonly #pager: Pager;
  readonly #chunkBits: number;
  readonly #mask: number;
  readonly #chunks: Chunk[] = [];
  readonly #first: number;
  readonly #relative: boolean;
  readonly #lost: number;
  #length = 0;
  /** The page that grows, which stays in memory. */
  #tail: Page | null = null;
  /** What stands in for pages that were given up: zeros. */
  #nothing: Page | null = null;

  /** `bits` that most values need. */
  constructor(bits: 8 | 16 | 32, pager = new Pager(), { relative = false, lost = 0 }: PackedColumnOptions = {}) {
    this.#first = bits === 8 ? 0 : bits === 16 ? 1 : 2;
    this.#pager = pager;
    this.#chunkBits = pager.bits;
    this.#mask = pager.bytes - 1;
    this.#relative = relative;
    this.#lost = lost;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes taken, in memory or not. */
  get bytes(): number {
    let bytes = 0;
    for (const { pages, small, width } of this.#chunks) {
      bytes += small > 0 ? small << width : pages.length * this.#pager.bytes;
    }
    return bytes;
  }

  /** So many are given up together. */
  get rowsOfChunk(): number {
    return this.#mask + 1;
  }

  at(index: number): number {
    const chunk = this.#chunks[index >>> this.#chunkBits]!;
    const row = index & this.#mask;
    const page = chunk.pages[row >>> chunk.bits]!;
    const values = page.values ?? this.#pager.load(page);
    page.used = true;
    return chunk.base + values[row & ((1 << chunk.bits) - 1)]!;
  }

  /** The values from `first` on, as many as there is room for in `into`. */
  read(first: number, into: Uint32Array | Float64Array): void {
    for (let done = 0; done < into.length; ) {
      const index = first + done;
      const { base, bits, pages } = this.#chunks[index >>> this.#chunkBits]!;
      const row = index & this.#mask;
      const page = pages[row >>> bits]!;
      const values = page.values ?? this.#pager.load(page);
      page.used = true;
      const from = row & ((1 << bits) - 1);
      const count = Math.min(into.length - done, (1 << bits) - from, this.#mask + 1 - row);
      for (let i = 0; i < count; i++) into[done + i] = base + values[from + i]!;
      done += count;
    }
  }

  push(value: number): void {
    const row = this.#length & this.#mask;
    let chunk = this.#chunks[this.#length >>> this.#chunkBits];
    if (chunk === undefined) {
      chunk = this.#chunk(this.#first);
      if (this.#relative && Number.isSafeInteger(value)) chunk.base = value - Math.floor(LARGEST[chunk.width]! / 2);
      // The first chunk grows, so that a short column is small.
      if (this.#length === 0) chunk.small = Math.min(FEW_ROWS, 2 ** chunk.bits);
      this.#chunks.push(chunk);
    }
    const offset = value - chunk.base;
    if (chunk.width < 3 && !(offset >= 0 && offset <= LARGEST[chunk.width]! && Number.isInteger(offset))) {
      this.#widen(chunk, row, value);
    }
    this.#put(chunk, row, value - chunk.base);
    this.#length++;
  }

  /** Gives up the first chunks that lie before `end`: their rows read as nothing. */
  drop(end: number): void {
    for (let i = 0; (i + 1) * this.rowsOfChunk <= Math.min(end, this.#length); i++) this.#drop(this.#chunks[i]!);
  }

  save(into: StateWriter): void {
    into.number(this.#length);
    for (const chunk of this.#chunks) {
      if (chunk.small > 0) this.#settle(chunk);
      into.numbers([chunk.base, chunk.width, chunk.pages.length]);
      for (const page of chunk.pages) into.page(page);
    }
  }

  load(from: StateReader): void {
    this.#length = from.number();
    for (let rows = 0; rows < this.#length; rows += this.rowsOfChunk) {
      const [base = 0, width = 0, pages = 0] = from.numbers();
      const chunk = { ...this.#chunk(width), base };
      for (let i = 0; i < pages; i++) {
        chunk.pages.push(from.page(this.#pager, viewOf(width), () => this.#drop(chunk)));
      }
      this.#chunks.push(chunk);
    }
    const tail = this.#chunks[this.#length >>> this.#chunkBits]?.pages.at(-1);
    if (tail === undefined) return;
    this.#hold(tail);
    this.#pager.load(tail);
    if (tail.values === null) throw new StateError('a page is damaged');
  }

  #chunk(width: number): Chunk {
    return { pages: [], base: 0, width, bits: this.#chunkBits - width, small: 0 };
  }

  #put(chunk: Chunk, row: number, offset: number): void {
    const { bits, small } = chunk;
    let page = chunk.pages[row >>> bits];
    if (page === undefined) {
      page = small > 0 ? this.#smallPage(chunk, small) : this.#page(chunk);
      chunk.pages.push(page);
    } else if (small > 0 && row === small) {
      page = this.#grow(chunk, small * 2);
    }
    if (page === this.#nothing) return;
    const values = page.values ?? this.#pager.load(page);
    if (!this.#pager.isFree(page)) this.#pager.change(page);
    values[row & ((1 << bits) - 1)] = offset;
  }

  #page(chunk: Chunk): Page {
    const page = this.#pager.allocate(viewOf(chunk.width), () => this.#drop(chunk));
    this.#hold(page);
    return page;
  }

  /** One that is less than a page, and is no business of the pager's. */
  #smallPage(chunk: Chunk, rows: number): Page {
    const page = this.#pager.restore(viewOf(chunk.width), () => {}, null, -1);
    page.values = new WIDTHS[chunk.width]!(rows);
    page.dirty = true;
    chunk.small = rows;
    return page;
  }

  #grow(chunk: Chunk, rows: number): Page {
    const before = chunk.pages[0]!;
    const whole = rows >= 2 ** chunk.bits;
    if (whole) chunk.small = 0;
    const page = whole ? this.#page(chunk) : this.#smallPage(chunk, rows);
    page.values!.set(before.values!);
    chunk.pages[0] = page;
    return page;
  }

  /** Makes a whole page of a small one. */
  #settle(chunk: Chunk): void {
    this.#grow(chunk, 2 ** chunk.bits);
  }

  /** Makes room for `value`; the `rows` that are there keep their values. */
  #widen(chunk: Chunk, rows: number, value: number): void {
    const { base, small } = chunk;
    const before = new Float64Array(rows);
    const first = this.#length - rows;
    for (let row = 0; row < rows; row++) before[row] = this.at(first + row);
    for (const page of chunk.pages) if (page.place >= 0) this.#pager.drop(page);
    this.#tail = null;
    const fits = base === 0 && value >= 0 && Number.isInteger(value);
    while (chunk.width < 3 && !(fits && value <= LARGEST[chunk.width]!)) chunk.width++;
    chunk.pages = [];
    chunk.base = 0;
    chunk.bits = this.#chunkBits - chunk.width;
    chunk.small = small > 0 && small < 2 ** chunk.bits ? small : 0;
    for (let row = 0; row < rows; row++) this.#put(chunk, row, before[row]!);
  }

  #hold(page: Page): void {
    if (this.#tail !== null) this.#tail.pins--;
    this.#tail = page;
    page.pins++;
  }

  #drop(chunk: Chunk): void {
    if (this.#nothing === null) {
      this.#nothing = this.#pager.restore(viewOf(0), () => {}, null, -1);
      this.#nothing.values = new Uint8Array(this.rowsOfChunk);
    }
    const nothing = this.#nothing;
    if (chunk.pages[0] === nothing) return;
    for (const page of chunk.pages) this.#pager.drop(page);
    chunk.pages = chunk.pages.map(() => nothing);
    chunk.base = this.#lost;
  }
}

function viewOf(width: number): (frame: ArrayBuffer) => PageValues {
  return (frame) => new WIDTHS[width]!(frame);
}
