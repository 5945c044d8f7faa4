import { setImmediate } from 'node:timers/promises';
import {
  BackwardBits,
  constantTable,
  type FseTable,
  fseTable,
  type HuffmanTable,
  readFseTable,
  readHuffmanTable,
} from './zstd-tables.ts';

/** What a block makes at most, and what it may be long. */
const MOST_BLOCK = 131_072;
/** Tables cost time whatever a block makes of them: no writer makes many blocks of little. */
const LEAST_A_BLOCK = 4_096;
const SPARE_BLOCKS = 64;
/** Others have their turn after so many bytes. */
const TURN = 2 * 1024 * 1024;

const numbers = (text: string): number[] => text.split(' ').map(Number);
const ones = (count: number): string => ' 1'.repeat(count);
const LITERALS = fseTable(6, numbers(`4 3${' 2'.repeat(11)} 1 1 1${' 2'.repeat(9)} 3 2${ones(5)}${' -1'.repeat(4)}`));
const MATCHES = fseTable(6, numbers(`1 4 3${' 2'.repeat(6)}${ones(37)}${' -1'.repeat(7)}`));
const OFFSETS = fseTable(5, numbers(`1${ones(5)} 2 2 2${ones(15)}${' -1'.repeat(5)}`));

/** Codes of lengths: how many bits follow, and what they are added to. */
const LITERAL_BITS = numbers(`${'0 '.repeat(16)}1 1 1 1 2 2 3 3 4 6 7 8 9 10 11 12 13 14 15 16`);
const MATCH_BITS = numbers(`${'0 '.repeat(32)}1 1 1 1 2 2 3 3 4 4 5 7 8 9 10 11 12 13 14 15 16`);
const LITERAL_BASES = basesOf(LITERAL_BITS, 0);
const MATCH_BASES = basesOf(MATCH_BITS, 3);

function basesOf(bits: readonly number[], first: number): number[] {
  const bases: number[] = [];
  let base = first;
  for (const width of bits) {
    bases.push(base);
    base += 2 ** width;
  }
  return bases;
}

/**
 * Decodes the blocks of one Zstandard frame (RFC 8878), which begin at `at`, into exactly `size` bytes. Every length is checked against what
 * is left of both sides before a byte is copied and the number of blocks against the size, so a frame costs no more time than its
 * output has bytes; others have their turn in between. Throws Error. Its checksum is not looked at.
 */
export async function zstdFrame(frame: Uint8Array, at: number, size: number): Promise<Uint8Array> {
  const decoder = new Decoder(new Uint8Array(size));
  let from = at;
  let turn = TURN;
  let blocks = SPARE_BLOCKS + size / LEAST_A_BLOCK;
  for (let last = false; !last; ) {
    if (from + 3 > frame.length) throw new Error('truncated');
    if (blocks-- < 0) throw new Error('more blocks than it can have');
    const head = frame[from]! | (frame[from + 1]! << 8) | (frame[from + 2]! << 16);
    from += 3;
    last = (head & 1) === 1;
    const [type, length] = [(head >> 1) & 3, head >> 3];
    const bytes = type === 1 ? 1 : length;
    if (length > MOST_BLOCK || from + bytes > frame.length) throw new Error('truncated');
    decoder.block(type, length, frame.subarray(from, from + bytes));
    from += bytes;
    if (decoder.made < turn) continue;
    turn = decoder.made + TURN;
    await setImmediate();
  }
  if (decoder.made !== size) throw new Error(`${decoder.made} bytes instead of ${size}`);
  return decoder.out;
}

class Decoder {
  readonly out: Uint8Array;
  /** Bytes of the output so far. */
  made = 0;
  #huffman: HuffmanTable | null = null;
  readonly #tables: (FseTable | null)[] = [null, null, null];
  readonly #recent: [number, number, number] = [1, 4, 8];

  constructor(out: Uint8Array) {
    this.out = out;
  }

  block(type: number, length: number, bytes: Uint8Array): void {
    const to = this.made + length;
    if (type === 2) {
      const { literals, end } = this.#literals(bytes);
      this.#sequences(bytes, end, literals);
      return;
    }
    if (type === 3) throw new Error('a block of no kind');
    if (to > this.out.length) throw new Error('more than its size');
    if (type === 0) this.out.set(bytes, this.made);
    else this.out.fill(bytes[0]!, this.made, to);
    this.made = to;
  }

  #literals(bytes: Uint8Array): { readonly literals: Uint8Array; readonly end: number } {
    const head = byteAt(bytes, 0);
    const [type, format] = [head & 3, (head >> 2) & 3];
    if (type < 2) {
      const width = format === 1 ? 2 : format === 3 ? 3 : 1;
      const size = width === 1 ? head >> 3 : whole(bytes, 0, width) >> 4;
      const end = width + (type === 0 ? size : 1);
      if (size > MOST_BLOCK || end > bytes.length) throw new Error('literals beyond the end');
      if (type === 0) return { literals: bytes.subarray(width, end), end };
      return { literals: new Uint8Array(size).fill(bytes[width]!), end };
    }
    const width = format < 2 ? 3 : format + 2;
    const bits = format < 2 ? 10 : format === 2 ? 14 : 18;
    const both = Math.floor(whole(bytes, 0, width) / 16);
    const [size, packed] = [both % 2 ** bits, Math.floor(both / 2 ** bits)];
    const end = width + packed;
    if (size > MOST_BLOCK || end > bytes.length) throw new Error('literals beyond the end');
    let from = width;
    if (type === 2) ({ table: this.#huffman, end: from } = readHuffmanTable(bytes.subarray(0, end), width));
    const table = this.#huffman;
    if (table === null) throw new Error('literals without a table');
    const literals = new Uint8Array(size);
    if (format === 0) huffman(bytes.subarray(from, end), table, literals);
    else {
      const quarter = (size + 3) >> 2;
      if (3 * quarter > size) throw new Error('streams of nothing');
      let at = from + 6;
      for (let i = 0; i < 4; i++) {
        const next = i === 3 ? end : at + whole(bytes, from + 2 * i, 2);
        if (next > end || at > next) throw new Error('streams beyond the end');
        huffman(bytes.subarray(at, next), table, literals.subarray(i * quarter, i === 3 ? size : (i + 1) * quarter));
        at = next;
      }
    }
    return { literals, end };
  }

  #sequences(bytes: Uint8Array, from: number, literals: Uint8Array): void {
    let at = from;
    let count = byteAt(bytes, at++);
    if (count === 255) {
      count = whole(bytes, at, 2) + 0x7f00;
      at += 2;
    } else if (count > 127) count = ((count - 128) << 8) | byteAt(bytes, at++);
    const most = Math.min(this.out.length, this.made + MOST_BLOCK);
    const { out } = this;
    let to = this.made;
    let used = 0;
    if (count > 0) {
      const modes = byteAt(bytes, at++);
      if ((modes & 3) !== 0) throw new Error('sequences of no kind');
      const table = (kind: 0 | 1 | 2): FseTable => {
        const [preset, log, symbols] = KINDS[kind];
        const mode = (modes >> (6 - 2 * kind)) & 3;
        let made: FseTable | null = preset;
        if (mode === 1) made = constantTable(byteAt(bytes, at++));
        else if (mode === 2) ({ table: made, end: at } = readFseTable(bytes, at, log, symbols));
        else if (mode === 3) made = this.#tables[kind]!;
        if (made === null) throw new Error('no table before');
        if (mode === 1 && made.symbols[0]! > symbols) throw new Error('more symbols than there are');
        this.#tables[kind] = made;
        return made;
      };
      const [lengths, offsets, matches] = [table(0), table(1), table(2)];
      const bits = new BackwardBits(bytes.subarray(at));
      let length = bits.read(lengths.log);
      let offset = bits.read(offsets.log);
      let match = bits.read(matches.log);
      for (let i = 0; i < count; i++) {
        const code = offsets.symbols[offset]!;
        const value = 2 ** code + bits.read(code);
        const matchCode = matches.symbols[match]!;
        const copied = MATCH_BASES[matchCode]! + bits.read(MATCH_BITS[matchCode]!);
        const lengthCode = lengths.symbols[length]!;
        const taken = LITERAL_BASES[lengthCode]! + bits.read(LITERAL_BITS[lengthCode]!);
        if (bits.at < 0) throw new Error('truncated');
        if (i < count - 1) {
          length = lengths.bases[length]! + bits.read(lengths.bits[length]!);
          match = matches.bases[match]! + bits.read(matches.bits[match]!);
          offset = offsets.bases[offset]! + bits.read(offsets.bits[offset]!);
        }
        const back = this.#distance(value, taken === 0);
        if (taken > literals.length - used || taken + copied > most - to) throw new Error('more than its size');
        for (const end = used + taken; used < end; ) out[to++] = literals[used++]!;
        if (back > to || back < 1) throw new Error('a match before the beginning');
        // A match may reach into what it makes: then it repeats.
        if (back >= copied) out.copyWithin(to, to - back, to - back + copied);
        else for (let j = 0; j < copied; j++) out[to + j] = out[to + j - back]!;
        to += copied;
      }
      if (bits.at !== 0) throw new Error('a stream that goes on');
    } else if (at !== bytes.length) throw new Error('a block that goes on');
    if (literals.length - used > most - to) throw new Error('more than its size');
    out.set(literals.subarray(used), to);
    this.made = to + literals.length - used;
  }

  /** How far a match is back: values up to 3 are those of before. */
  #distance(value: number, withoutLiterals: boolean): number {
    const recent = this.#recent;
    const index = value > 3 ? 3 : value - 1 + (withoutLiterals ? 1 : 0);
    if (index === 0) return recent[0];
    const back = value > 3 ? value - 3 : index === 3 ? recent[0] - 1 : recent[index]!;
    if (index > 1) recent[2] = recent[1];
    recent[1] = recent[0];
    recent[0] = back;
    return back;
  }
}

/** Of lengths of literals, offsets, and lengths of matches: the table that needs no description, how large another may be, and its symbols. */
const KINDS = [
  [LITERALS, 9, 35],
  [OFFSETS, 8, 31],
  [MATCHES, 9, 52],
] as const;

function huffman(bytes: Uint8Array, { log, symbols, bits }: HuffmanTable, into: Uint8Array): void {
  const stream = new BackwardBits(bytes);
  for (let i = 0; i < into.length; i++) {
    const code = stream.peek(log);
    into[i] = symbols[code]!;
    stream.at -= bits[code]!;
    if (stream.at < 0) throw new Error('truncated');
  }
  if (stream.at !== 0) throw new Error('a stream that goes on');
}

function byteAt(bytes: Uint8Array, at: number): number {
  return whole(bytes, at, 1);
}

/** Little-endian, of up to five bytes. */
function whole(bytes: Uint8Array, at: number, width: number): number {
  if (at + width > bytes.length) throw new Error('truncated');
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}
