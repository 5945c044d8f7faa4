import { decodeUtf8, encodeUtf8, encodeUtf8Into } from '../../base/utf8.ts';
import { PackedColumn } from '../paging/packed-column.ts';
import { PagedBytes } from '../paging/paged-bytes.ts';
import { Pager } from '../paging/pager.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';

/** Keys that are found from one place: their lengths are added up from there. */
const STRIDE = 64;
/** How a key is written: whole, or what comes behind its group. */
const WHOLE = 0;
const AFTER_GROUP = 1;
const AFTER_TUPLE_OF_GROUP = 2;
/** Group, '-' and 32 hexadecimal digits, as 16 bytes. */
const GROUP_AND_HASH = 3;
/** The same with the dashes of a UUID. */
const GROUP_AND_UUID = 4;
const HASH_BYTES = 16;
/** Groups whose names are kept as bytes. */
const GROUPS_KEPT = 1_024;
/** Digits before each dash of a UUID. */
const UUID_DASHES: readonly number[] = [8, 13, 18, 23];
const UUID_LENGTH = 36;

export interface KeyBlock {
  readonly text: string;
  readonly ends: Uint32Array;
}

/**
 * Keys of records, as UTF-8 behind one another. They are most of what a history takes, and most of a key repeats: Dask makes them of
 * the name of their group, which is known, and a hash or indices. Only these are kept.
 */
export class KeyColumn {
  readonly #groups: Pick<PackedColumn, 'at' | 'read'>;
  readonly #nameOf: (group: number) => string;
  readonly #bytes: PagedBytes;
  readonly #lengths: PackedColumn;
  /** Where each STRIDE-th key begins. */
  readonly #begins: PackedColumn;
  #scratch = new Uint8Array(1_024);
  readonly #groupBytes = new Map<number, Uint8Array>();
  /** Where the key behind the last one that was asked for begins: many are asked for in order. */
  #next = -1;
  #nextFrom = 0;

  /** `groups` has the group that each key was pushed with, `nameOf` gives its name. */
  constructor(groups: Pick<PackedColumn, 'at' | 'read'>, nameOf: (group: number) => string, pager = new Pager()) {
    this.#groups = groups;
    this.#nameOf = nameOf;
    this.#bytes = new PagedBytes(pager);
    this.#lengths = new PackedColumn(8, pager);
    this.#begins = new PackedColumn(32, pager);
  }

  get length(): number {
    return this.#lengths.length;
  }

  get bytes(): number {
    return this.#bytes.bytes + this.#lengths.bytes + this.#begins.bytes;
  }

  push(key: string, group: string): void {
    const room = 1 + key.length * 3;
    if (room > this.#scratch.length) this.#scratch = new Uint8Array(2 * room);
    const length = write(key, group, this.#scratch);
    if (this.length % STRIDE === 0) this.#begins.push(this.#bytes.length);
    this.#bytes.append(this.#scratch, length);
    this.#lengths.push(length);
  }

  at(index: number): string {
    let from = this.#nextFrom;
    if (index !== this.#next) from = this.#beginOf(index);
    const length = this.#lengths.at(index);
    this.#next = index + 1;
    this.#nextFrom = from + length;
    // One that was given up.
    if (length === 0) return '';
    const bytes = this.#bytes.at(from, from + length);
    const form = bytes[0]!;
    const text = form < GROUP_AND_HASH ? decodeUtf8(bytes.subarray(1)) : toHex(bytes.subarray(1));
    if (form === WHOLE) return text;
    const group = this.#nameOf(this.#groups.at(index));
    if (form === AFTER_GROUP) return group + text;
    if (form === AFTER_TUPLE_OF_GROUP) return `('${group}'${text}`;
    return form === GROUP_AND_HASH ? `${group}-${text}` : `${group}-${dashed(text)}`;
  }

  /**
   * The keys [first, last) as one text, a NUL behind each, and where each ends in it: to search all of it costs a fraction of a search
   * in each. Null where there are others than ASCII characters.
   */
  block(first: number, last: number): KeyBlock | null {
    const ends = new Uint32Array(last - first);
    const groups = new Uint32Array(last - first);
    const begin = this.#beginOf(first);
    this.#lengths.read(first, ends);
    this.#groups.read(first, groups);
    let packed = 0;
    for (let i = 0; i < ends.length; i++) packed += ends[i]!;
    // A copy: names of groups may lie in pages, which take the place of others.
    const bytes = this.#bytes.at(begin, begin + packed).slice();
    let group = -1;
    let name = NOTHING;
    let length = 0;
    for (let i = 0, from = 0; i < ends.length; i++) {
      const to = from + ends[i]!;
      if (to > from) {
        if (bytes[from] !== WHOLE) {
          const own = groups[i]!;
          if (own !== group) name = this.#bytesOf(own);
          group = own;
        }
        const room = length + name.length + 2 * (to - from) + UUID_LENGTH;
        if (room > this.#scratch.length) this.#scratch = grown(this.#scratch, 2 * room);
        length = writeWhole(bytes, from, to, name, this.#scratch, length);
      }
      from = to;
      ends[i] = length;
      this.#scratch[length++] = 0;
    }
    const text = decodeUtf8(this.#scratch.subarray(0, length));
    return text.length === length ? { text, ends } : null;
  }

  /** A group's name: those of neighbours take turns, and to encode one takes longer than all else. */
  #bytesOf(group: number): Uint8Array {
    let bytes = this.#groupBytes.get(group);
    if (bytes === undefined) {
      if (this.#groupBytes.size >= GROUPS_KEPT) this.#groupBytes.clear();
      bytes = encodeUtf8(this.#nameOf(group));
      this.#groupBytes.set(group, bytes);
    }
    return bytes;
  }

  #beginOf(index: number): number {
    const stride = Math.floor(index / STRIDE);
    let from = this.#begins.at(stride);
    for (let before = stride * STRIDE; before < index; before++) from += this.#lengths.at(before);
    return from;
  }

  /** Gives up the keys before `end`, nearly: they read as empty. */
  drop(end: number): void {
    if (end >= this.length) return;
    this.#bytes.drop(this.#begins.at(Math.floor(end / STRIDE)));
    this.#lengths.drop(end);
    this.#next = -1;
  }

  save(into: StateWriter): void {
    for (const part of [this.#bytes, this.#lengths, this.#begins]) part.save(into);
  }

  load(from: StateReader): void {
    for (const part of [this.#bytes, this.#lengths, this.#begins]) part.load(from);
  }
}

/** Writes the key that is kept in [from, to) behind `at`; returns where it ends. */
function writeWhole(
  kept: Uint8Array,
  from: number,
  to: number,
  group: Uint8Array,
  into: Uint8Array,
  at: number,
): number {
  const form = kept[from]!;
  let end = at;
  if (form === AFTER_TUPLE_OF_GROUP) {
    into[end++] = PARENTHESIS;
    into[end++] = QUOTE;
  }
  // Both are short: a call would take longer.
  if (form !== WHOLE) for (let i = 0; i < group.length; i++) into[end++] = group[i]!;
  if (form === AFTER_TUPLE_OF_GROUP) into[end++] = QUOTE;
  if (form < GROUP_AND_HASH) {
    for (let i = from + 1; i < to; i++) into[end++] = kept[i]!;
    return end;
  }
  into[end++] = DASH;
  const hash = end;
  const uuid = form === GROUP_AND_UUID;
  for (let i = from + 1; i < to; i++) {
    const byte = kept[i]!;
    if (uuid && UUID_DASHES.includes(end - hash)) into[end++] = DASH;
    into[end++] = HEX_CODES[byte >> 4]!;
    into[end++] = HEX_CODES[byte & 15]!;
  }
  return end;
}

/** Returns the bytes written, of which there is room for 1 + 3 for each of the key's UTF-16 units. */
function write(key: string, group: string, into: Uint8Array): number {
  const { length } = group;
  if (length > 0 && key.startsWith(group)) {
    const rest = key.length - length;
    if (rest === 1 + 2 * HASH_BYTES && writeHash(key, length, false, into)) return 1 + HASH_BYTES;
    if (rest === 1 + UUID_LENGTH && writeHash(key, length, true, into)) return 1 + HASH_BYTES;
    into[0] = AFTER_GROUP;
    return 1 + encodeUtf8Into(key.slice(length), into.subarray(1));
  }
  if (length > 0 && key.startsWith("('") && key.startsWith(group, 2) && key[2 + length] === "'") {
    into[0] = AFTER_TUPLE_OF_GROUP;
    return 1 + encodeUtf8Into(key.slice(3 + length), into.subarray(1));
  }
  into[0] = WHOLE;
  return 1 + encodeUtf8Into(key, into.subarray(1));
}

/** Writes the digits behind the '-' at `from`; false when they are not what they look like. */
function writeHash(key: string, from: number, uuid: boolean, into: Uint8Array): boolean {
  if (key.charCodeAt(from) !== DASH) return false;
  let digits = 0;
  for (let i = 0; from + 1 + i < key.length; i++) {
    const code = key.charCodeAt(from + 1 + i);
    if (uuid && UUID_DASHES.includes(i)) {
      if (code !== DASH) return false;
      continue;
    }
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1;
    if (digit < 0) return false;
    const at = 1 + (digits >> 1);
    into[at] = digits % 2 === 0 ? digit << 4 : into[at]! | digit;
    digits++;
  }
  into[0] = uuid ? GROUP_AND_UUID : GROUP_AND_HASH;
  return true;
}
const PARENTHESIS = 40;
const QUOTE = 39;
const DASH = 45;
const HEX_CODES = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
const NOTHING: Uint8Array = new Uint8Array(0);

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}

function dashed(hash: string): string {
  return [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20)].join('-');
}

function grown(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  const more = new Uint8Array(length);
  more.set(bytes);
  return more;
}
