import { Growable } from '../../base/growable.ts';
import { decodeUtf8, encodeUtf8Into } from '../../base/utf8.ts';
import { PackedColumn } from '../paging/packed-column.ts';
import { PagedBytes } from '../paging/paged-bytes.ts';
import { Pager } from '../paging/pager.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';

/** Texts that were read last stay as they are: a power of two. */
const REMEMBERED = 1_024;
/** Longer ones are not worth it. */
const LONG = 1_024;
const FEWEST_SLOTS = 256;

export interface PagedStringsOptions {
  /** It knows so many at most again; beyond that it begins anew, and a string may come twice. Default: all. */
  readonly known?: number;
}

/**
 * Strings by index, as UTF-8 in pages, each once: however many there are, what stays in memory for sure is a hash of each and its
 * place in a table, which count as memory of the history.
 */
export class PagedStrings {
  readonly #pager: Pager;
  readonly #most: number;
  readonly #bytes: PagedBytes;
  /** Where each begins. */
  readonly #begins: PackedColumn;
  /** Of those from `#from` on. */
  readonly #hashes = new Growable(Uint32Array, 64);
  #from = 0;
  /** Open addressing: 1 + what is behind `#from`; 0: free. */
  #slots = new Uint32Array(0);
  #charged = 0;
  /** Those before it were given up. */
  #dropped = 0;
  readonly #texts: string[] = [];
  /** Whose text that is, by the last bits of the index. */
  readonly #whose = new Int32Array(REMEMBERED).fill(-1);
  #scratch = new Uint8Array(1_024);

  constructor(pager = new Pager(), { known = Number.POSITIVE_INFINITY }: PagedStringsOptions = {}) {
    this.#pager = pager;
    this.#most = known;
    this.#bytes = new PagedBytes(pager);
    this.#begins = new PackedColumn(32, pager);
  }

  get length(): number {
    return this.#begins.length;
  }

  intern(text: string): number {
    const hash = hashOf(text);
    const known = this.#lookUp(text, hash);
    if (known !== undefined) return known;
    const index = this.length;
    if (this.#hashes.length >= this.#most) this.#forget();
    const room = text.length * 3;
    if (room > this.#scratch.length) this.#scratch = new Uint8Array(2 * room);
    const length = encodeUtf8Into(text, this.#scratch);
    this.#begins.push(this.#bytes.length);
    this.#bytes.append(this.#scratch, length);
    this.#add(hash);
    this.#remember(index, text);
    return index;
  }

  /** The empty string for an index that was never given out, and for what was given up. */
  at(index: number): string {
    if (index < this.#dropped || index >= this.length) return '';
    const place = index & (REMEMBERED - 1);
    if (this.#whose[place] === index) return this.#texts[place]!;
    const to = index + 1 < this.length ? this.#begins.at(index + 1) : this.#bytes.length;
    const text = decodeUtf8(this.#bytes.at(this.#begins.at(index), to));
    this.#remember(index, text);
    return text;
  }

  find(text: string): number | undefined {
    return this.#lookUp(text, hashOf(text));
  }

  /** Gives up the strings before `end`. */
  drop(end: number): void {
    if (end <= this.#dropped) return;
    this.#dropped = end;
    this.#bytes.drop(end < this.length ? this.#begins.at(end) : this.#bytes.length);
    this.#begins.drop(end);
    this.#whose.fill(-1);
  }

  save(into: StateWriter): void {
    into.number(this.length);
    if (this.length === 0) return;
    this.#bytes.save(into);
    this.#begins.save(into);
    into.number(this.#from);
    into.words(this.#hashes.view());
  }

  load(from: StateReader): void {
    if (from.number() === 0) return;
    this.#bytes.load(from);
    this.#begins.load(from);
    this.#from = from.number();
    for (const hash of from.words()) this.#add(hash);
  }

  #lookUp(text: string, hash: number): number | undefined {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const mask = slots.length - 1;
    if (mask < 0) return undefined;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const behind = slots[slot]!;
      if (behind === 0) return undefined;
      const index = this.#from + behind - 1;
      if (hashes.at(behind - 1) === hash && index >= this.#dropped && this.at(index) === text) return index;
    }
  }

  #add(hash: number): void {
    this.#hashes.push(hash);
    if (this.#hashes.length * 2 > this.#slots.length) this.#grow();
    else put(this.#slots, hash, this.#hashes.length);
    this.#charge();
  }

  #grow(): void {
    const slots = new Uint32Array(Math.max(FEWEST_SLOTS, this.#slots.length * 2));
    for (let i = 0; i < this.#hashes.length; i++) put(slots, this.#hashes.at(i), i + 1);
    this.#slots = slots;
  }

  #forget(): void {
    this.#from = this.length;
    this.#hashes.truncate(0);
    this.#slots.fill(0);
  }

  #remember(index: number, text: string): void {
    if (text.length > LONG) return;
    const place = index & (REMEMBERED - 1);
    this.#whose[place] = index;
    this.#texts[place] = text;
  }

  #charge(): void {
    const bytes = this.#slots.byteLength + this.#hashes.raw.byteLength;
    if (bytes === this.#charged) return;
    this.#pager.charge(bytes - this.#charged);
    this.#charged = bytes;
  }
}

function put(slots: Uint32Array, hash: number, value: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = value;
}

/** FNV-1a over UTF-16 units, with its bits mixed: the last ones choose the slot. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
