import { decodeUtf8, encodeUtf8Into } from '../base/utf8.ts';

/** Keys of a chunk. */
const CHUNK = 1_024;
/** How a key is written: whole, or what comes behind its group. */
const WHOLE = 0;
const AFTER_GROUP = 1;
const AFTER_TUPLE_OF_GROUP = 2;
/** Group, '-' and 32 hexadecimal digits, as 16 bytes. */
const GROUP_AND_HASH = 3;
/** The same with the dashes of a UUID. */
const GROUP_AND_UUID = 4;
const HASH_BYTES = 16;
/** Digits before each dash of a UUID. */
const UUID_DASHES: readonly number[] = [8, 13, 18, 23];
const UUID_LENGTH = 36;

interface Chunk {
  readonly bytes: Uint8Array;
  /** End of each key in `bytes`. */
  readonly ends: Uint16Array | Uint32Array;
}

/**
 * Keys of records, as UTF-8 behind one another. They are most of what a history takes, and most of a key repeats: Dask makes them of
 * the name of their group, which is known, and a hash or indices. Only these are kept.
 */
export class KeyColumn {
  readonly #groupOf: (index: number) => string;
  readonly #chunks: Chunk[] = [];
  /** The chunk that grows. */
  #bytes = new Uint8Array(4_096);
  #used = 0;
  readonly #ends = new Uint32Array(CHUNK);
  #length = 0;

  /** `groupOf` gives the name of the group that a key of the column was pushed with. */
  constructor(groupOf: (index: number) => string) {
    this.#groupOf = groupOf;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    let bytes = this.#bytes.byteLength + this.#ends.byteLength;
    for (const chunk of this.#chunks) bytes += chunk.bytes.byteLength + chunk.ends.byteLength;
    return bytes;
  }

  push(key: string, group: string): void {
    const room = this.#used + 1 + key.length * 3;
    if (room > this.#bytes.length) {
      const wider = new Uint8Array(Math.max(room, this.#bytes.length * 2));
      wider.set(this.#bytes.subarray(0, this.#used));
      this.#bytes = wider;
    }
    this.#used += write(key, group, this.#bytes.subarray(this.#used));
    this.#ends[this.#length % CHUNK] = this.#used;
    this.#length++;
    if (this.#length % CHUNK === 0) this.#seal();
  }

  at(index: number): string {
    const number = Math.floor(index / CHUNK);
    const { bytes, ends } = this.#chunks[number] ?? { bytes: this.#bytes, ends: this.#ends };
    const row = index % CHUNK;
    const from = row === 0 ? 0 : ends[row - 1]!;
    const rest = bytes.subarray(from + 1, ends[row]!);
    const form = bytes[from]!;
    if (form === WHOLE) return decodeUtf8(rest);
    const group = this.#groupOf(index);
    if (form === AFTER_GROUP) return group + decodeUtf8(rest);
    if (form === AFTER_TUPLE_OF_GROUP) return `('${group}'${decodeUtf8(rest)}`;
    const hash = toHex(rest);
    return form === GROUP_AND_HASH ? `${group}-${hash}` : `${group}-${dashed(hash)}`;
  }

  #seal(): void {
    const ends = this.#used <= 0xffff ? Uint16Array.from(this.#ends) : this.#ends.slice();
    this.#chunks.push({ bytes: this.#bytes.slice(0, this.#used), ends });
    this.#used = 0;
  }
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
const DASH = 45;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}

function dashed(hash: string): string {
  return [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20)].join('-');
}
