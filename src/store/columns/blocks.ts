import { Growable } from '../../base/growable.ts';
import { type Page, Pager } from '../paging/pager.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';

/** Rows of a block. */
export const BLOCK = 32;
/** What a block costs in memory beside its page: base, count, and its place in a list, each with room to grow. */
const BYTES_BESIDE = 24;
const LARGEST = 0xffff_ffff;
const SHORT_LIST = 8;

/** A sorted list of rows, in blocks of a pool. */
export interface BlockList {
  /** In the order of their keys. */
  blocks: number[];
  rows: number;
}

/**
 * Rows of whole numbers in many sorted lists: short blocks out of common pages, so that thousands of lists that grow at once
 * cost neither an array each nor a copy of what they hold. A row's key is its block's base plus the row's first column;
 * inserting moves at most a block. A block that is given back is the next one that is handed out. Pages that were not used for
 * long are not in memory; bases and counts always are.
 */
export class BlockPool {
  /** Columns of a row, the first of which is the offset of its key. */
  readonly #width: number;
  /** True: rows of one key are sorted by column 1, and no two are the same in both. */
  readonly #twofold: boolean;
  readonly #pager: Pager;
  /** Blocks of a page. */
  readonly #blocks: number;
  readonly #pages: Page<Uint32Array<ArrayBuffer>>[] = [];
  /** Pages before this one were given up. */
  #dropped = 0;
  readonly #bases = new Growable(Float64Array);
  readonly #counts = new Growable(Uint8Array);
  readonly #free: number[] = [];
  /** Where {@link #locate} ended: place in the list, and row in that block. */
  #place = 0;
  #row = 0;
  #inserted = new Uint32Array(0);

  constructor(width: number, twofold: boolean, pager = new Pager()) {
    this.#width = width;
    this.#twofold = twofold;
    this.#pager = pager;
    this.#blocks = Math.floor(pager.bytes / (BLOCK * width * 4));
  }

  /** Bytes taken, in memory or not. */
  get bytes(): number {
    return this.#pages.length * this.#pager.bytes + this.#bases.raw.byteLength + this.#counts.raw.byteLength;
  }

  /** Its pages, and how many of them were given up. */
  get pages(): { readonly all: number; readonly dropped: number } {
    return { all: this.#pages.length, dropped: this.#dropped };
  }

  /**
   * Column c of row i of a block is `words(block)[offset(block) + c * BLOCK + i]`, until another block is asked for: whoever holds
   * them longer pins the block.
   */
  words(block: number): Uint32Array<ArrayBuffer> {
    const page = this.#pages[Math.trunc(block / this.#blocks)]!;
    page.used = true;
    return page.values ?? this.#pager.load(page);
  }

  offset(block: number): number {
    return (block % this.#blocks) * BLOCK * this.#width;
  }

  /** Its page stays in memory until it is {@link unpin}ned. */
  pin(block: number): void {
    this.#pages[Math.trunc(block / this.#blocks)]!.pins++;
  }

  unpin(block: number): void {
    this.#pages[Math.trunc(block / this.#blocks)]!.pins--;
  }

  /** Gives up the blocks of the oldest page: they are empty from now on. False when there is none to give up. */
  dropOldest(): boolean {
    // The last ones are written to.
    if (this.#dropped + 1 >= this.#pages.length) return false;
    const page = this.#pages[this.#dropped++]!;
    this.#pager.drop(page);
    page.lost();
    return true;
  }

  save(into: StateWriter): void {
    into.numbers(this.#bases.view());
    // Four to a word.
    const counts = new Uint8Array(Math.ceil(this.#counts.length / 4) * 4);
    counts.set(this.#counts.view());
    into.words(new Uint32Array(counts.buffer));
    into.words(this.#free);
    into.number(this.#dropped);
    for (const page of this.#pages) into.page(page);
  }

  load(from: StateReader): void {
    this.#bases.append(from.numbers());
    const counts = from.words();
    this.#counts.append(new Uint8Array(counts.buffer, counts.byteOffset, this.#bases.length));
    for (const block of from.words()) this.#free.push(block);
    this.#dropped = from.number();
    const pages = Math.ceil(this.#bases.length / this.#blocks);
    for (let i = 0; i < pages; i++) this.#pages.push(from.page(this.#pager, asWords, this.#lost(i)));
    this.#pager.charge(this.#bases.length * BYTES_BESIDE);
  }

  /** Page number i has nothing in it any more. */
  #lost(i: number): () => void {
    return () => {
      const end = Math.min(this.#counts.length, (i + 1) * this.#blocks);
      for (let block = i * this.#blocks; block < end; block++) this.#counts.set(block, 0);
    };
  }

  /** The words of a block that is about to be written to. */
  #writable(block: number): Uint32Array<ArrayBuffer> {
    const page = this.#pages[Math.trunc(block / this.#blocks)]!;
    page.used = true;
    const words = page.values ?? this.#pager.load(page);
    if (!this.#pager.isFree(page)) this.#pager.change(page);
    return words;
  }

  base(block: number): number {
    return this.#bases.at(block);
  }

  count(block: number): number {
    return this.#counts.at(block);
  }

  /** The place of the first block that can hold a key >= `key`. */
  firstPlace(list: BlockList, key: number): number {
    const { blocks } = list;
    let low = 0;
    let high = blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#bases.at(blocks[middle]!) < key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** About how many rows have keys in [since, until): never too few, too many by less than two blocks. */
  rowsIn(list: BlockList, since: number, until: number): number {
    if (list.rows === 0) return 0;
    const { blocks } = list;
    const last = this.firstPlace(list, until);
    if (this.#bases.at(blocks[last]!) >= until) return 0;
    const places = last - this.firstPlace(list, since) + 1;
    return places === blocks.length ? list.rows : Math.min(list.rows, places * BLOCK);
  }

  /** Puts a row with these first columns where it belongs, and returns the index of its first word; the caller sets the others. */
  insert(list: BlockList, key: number, second: number): number {
    this.#locate(list, key, second);
    list.rows++;
    return this.#insertHere(list, key, second);
  }

  /** Adds to column 2 of the row (key, second), which is made where there is none. For twofold pools. */
  addTo(list: BlockList, key: number, second: number, amount: number): void {
    const found = this.#locate(list, key, second);
    if (found) {
      const block = list.blocks[this.#place]!;
      const words = this.#writable(block);
      const at = this.offset(block) + 2 * BLOCK + this.#row;
      const sum = words[at]! + amount;
      if (sum <= LARGEST) {
        words[at] = sum;
        return;
      }
      // More than fits: a second row of the same kind, which readers add up.
      words[at] = LARGEST;
      amount = sum - LARGEST;
      this.#row++;
    }
    list.rows++;
    const at = this.#insertHere(list, key, second);
    this.#inserted[at + 2 * BLOCK] = amount;
  }

  /** Gives back all blocks of a list, which must not be used afterwards. */
  release(list: BlockList): void {
    for (const block of list.blocks) this.#free.push(block);
  }

  /** Where {@link insert} put its row: the index that it returned points into these. */
  get inserted(): Uint32Array {
    return this.#inserted;
  }

  /** Finds the block and the row before which (key, second) belongs. True when that row is there already. */
  #locate(list: BlockList, key: number, second: number): boolean {
    const { blocks } = list;
    let place = blocks.length - 1;
    if (place >= 0 && !this.#startsBefore(blocks[place]!, key, second)) {
      let low = 0;
      let high = place;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (this.#startsBefore(blocks[middle]!, key, second)) low = middle + 1;
        else high = middle;
      }
      place = low - 1;
    }
    this.#place = place;
    this.#row = 0;
    if (place < 0) return false;
    const block = blocks[place]!;
    const words = this.words(block);
    const first = this.offset(block);
    const wanted = key - this.#bases.at(block);
    let row = this.#counts.at(block);
    // What comes last belongs near the end, by far most often.
    if (this.#twofold) {
      while (row > 0) {
        const offset = words[first + row - 1]!;
        if (offset < wanted || (offset === wanted && words[first + BLOCK + row - 1]! <= second)) break;
        row--;
      }
      this.#row = row;
      if (row === 0 || words[first + row - 1] !== wanted || words[first + BLOCK + row - 1] !== second) return false;
      this.#row = row - 1;
      return true;
    }
    while (row > 0 && words[first + row - 1]! > wanted) row--;
    this.#row = row;
    return false;
  }

  /** Whether the first row of a block is at most (key, second). */
  #startsBefore(block: number, key: number, second: number): boolean {
    const base = this.#bases.at(block);
    if (base !== key || !this.#twofold) return base <= key;
    return this.words(block)[this.offset(block) + BLOCK]! <= second;
  }

  #insertHere(list: BlockList, key: number, second: number): number {
    const { blocks } = list;
    let row = this.#row;
    if (this.#place < 0) {
      // Before everything: the first block takes it if it can, with a base further back.
      const first = blocks[0];
      const back = first === undefined ? LARGEST : this.#bases.at(first) - key;
      if (first === undefined || this.#counts.at(first) === BLOCK || !this.#rebase(first, back)) {
        return this.#begin(list, 0, key, second);
      }
      this.#place = 0;
    }
    let block = blocks[this.#place]!;
    const offset = key - this.#bases.at(block);
    if (offset > LARGEST) return this.#begin(list, this.#place + 1, key, second);
    if (this.#counts.at(block) === BLOCK) {
      if (row === BLOCK) return this.#begin(list, this.#place + 1, key, second);
      // In front of few rows: these move on, and the block stays nearly full.
      const keep = Math.max(row, BLOCK / 2);
      const next = this.#split(list, this.#place, keep);
      if (row > keep) {
        block = next;
        row -= keep;
      }
    }
    return this.#put(block, row, key - this.#bases.at(block), second);
  }

  #put(block: number, row: number, offset: number, second: number): number {
    const words = this.#writable(block);
    const first = this.offset(block);
    const count = this.#counts.at(block);
    for (let column = 0; row < count && column < this.#width; column++) {
      const from = first + column * BLOCK + row;
      words.copyWithin(from + 1, from, first + column * BLOCK + count);
    }
    words[first + row] = offset;
    words[first + BLOCK + row] = second;
    this.#counts.set(block, count + 1);
    this.#inserted = words;
    return first + row;
  }

  /** A new block at a place, with one row. */
  #begin(list: BlockList, place: number, key: number, second: number): number {
    const block = this.#allocate(key);
    addBlock(list, place, block);
    return this.#put(block, 0, 0, second);
  }

  /** Moves the rows of a block from `keep` on into a new one behind it. */
  #split(list: BlockList, place: number, keep: number): number {
    const block = list.blocks[place]!;
    this.pin(block);
    const words = this.words(block);
    const first = this.offset(block);
    const count = this.#counts.at(block);
    const shift = words[first + keep]!;
    const next = this.#allocate(this.#bases.at(block) + shift);
    const into = this.#writable(next);
    const at = this.offset(next);
    for (let row = keep; row < count; row++) {
      into[at + row - keep] = words[first + row]! - shift;
      for (let c = 1; c < this.#width; c++) into[at + c * BLOCK + row - keep] = words[first + c * BLOCK + row]!;
    }
    this.unpin(block);
    this.#counts.set(block, keep);
    this.#counts.set(next, count - keep);
    addBlock(list, place + 1, next);
    return next;
  }

  /** Moves a block's base back; false when its last row would be out of reach. */
  #rebase(block: number, back: number): boolean {
    const words = this.#writable(block);
    const first = this.offset(block);
    const count = this.#counts.at(block);
    if (count > 0 && words[first + count - 1]! + back > LARGEST) return false;
    for (let row = 0; row < count; row++) words[first + row]! += back;
    this.#bases.set(block, this.#bases.at(block) - back);
    return true;
  }

  #allocate(base: number): number {
    const free = this.#free.pop();
    const block = free ?? this.#bases.length;
    if (free === undefined) {
      this.#bases.push(0);
      this.#counts.push(0);
      if (block % this.#blocks === 0) {
        this.#pages.push(this.#pager.allocate(asWords, this.#lost(this.#pages.length)));
      }
      this.#pager.charge(BYTES_BESIDE);
    }
    this.#bases.set(block, base);
    this.#counts.set(block, 0);
    return block;
  }
}

/** There are very many short lists, and a push onto an empty array would reserve room for 17: they are as long as they have to be. */
function addBlock(list: BlockList, place: number, block: number): void {
  const { blocks } = list;
  if (blocks.length < SHORT_LIST) list.blocks = [...blocks.slice(0, place), block, ...blocks.slice(place)];
  else if (place === blocks.length) blocks.push(block);
  else blocks.splice(place, 0, block);
}

const asWords = (frame: ArrayBuffer): Uint32Array<ArrayBuffer> => new Uint32Array(frame);
