// The entropy coding of Zstandard (RFC 8878, 4): tables that are described in a block, and bits that are read from its end.

/** Bits [0, 8 × length) of some bytes, read from the last one on. Below 0 they are 0: whoever reads so far looks where it is. */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array) {
    const last = bytes.at(-1) ?? 0;
    if (last === 0) throw new Error('a stream without an end');
    this.#bytes = bytes;
    // The highest bit that is set marks the end.
    this.at = 8 * bytes.length - 1 - (Math.clz32(last) - 24);
  }

  read(count: number): number {
    this.at -= count;
    return this.#bits(this.at, count);
  }

  /** The bits that come next, as if they were followed by zeros. */
  peek(count: number): number {
    return this.#bits(this.at - count, count);
  }

  #bits(at: number, count: number): number {
    if (count > 24) return this.#bits(at + 16, count - 16) * 65_536 + this.#bits(at, 16);
    if (at < 0) return -at >= count ? 0 : this.#bits(0, count + at) << -at;
    const bytes = this.#bytes;
    const byte = at >>> 3;
    // Behind the end these are not there, and then they are 0.
    const word = bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16) | (bytes[byte + 3]! << 24);
    return (word >>> (at & 7)) & ((1 << count) - 1);
  }
}

/** For each state the symbol that it stands for, and the state that follows: `base` and so many bits more. */
export interface FseTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

/** How often each symbol comes, -1: less than once. */
export function fseTable(log: number, counts: ArrayLike<number>): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(counts.length);
  let high = size;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    next[symbol] = Math.abs(counts[symbol]!);
    if (counts[symbol] === -1) symbols[--high] = symbol;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let place = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    for (let left = counts[symbol]!; left > 0; left--) {
      symbols[place] = symbol;
      do place = (place + step) & (size - 1);
      while (place >= high);
    }
  }
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const known = next[symbols[state]!]!++;
    bits[state] = log - (31 - Math.clz32(known));
    bases[state] = (known << bits[state]!) - size;
  }
  return { log, symbols, bits, bases };
}

/** One symbol, again and again. */
export function constantTable(symbol: number): FseTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) };
}

/** `end`: behind the description of the table. Symbols go up to `most`. */
export function readFseTable(bytes: Uint8Array, from: number, mostLog: number, most: number) {
  let bit = 8 * from;
  const take = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, bit++) {
      if (bit >>> 3 >= bytes.length) throw new Error('truncated');
      value |= ((bytes[bit >>> 3]! >>> (bit & 7)) & 1) << i;
    }
    return value;
  };
  const log = take(4) + 5;
  if (log > mostLog) throw new Error('a table that is too large');
  const counts: number[] = [];
  for (let left = 1 << log; left > 0; ) {
    if (counts.length > most) throw new Error('more symbols than there are');
    // Values up to left + 1 are written; the lower ones of them in a bit less.
    const width = 32 - Math.clz32(left + 1);
    const short = (1 << width) - 1 - (left + 1);
    let value = take(width - 1);
    if (value >= short) {
      value |= take(1) << (width - 1);
      if (value >= 1 << (width - 1)) value -= short;
    }
    const count = value - 1;
    left -= Math.abs(count);
    if (left < 0) throw new Error('a table that holds more than all');
    counts.push(count);
    if (count !== 0) continue;
    for (let zeros = 3; zeros === 3; ) {
      zeros = take(2);
      for (let i = 0; i < zeros; i++) counts.push(0);
      if (counts.length > most + 1) throw new Error('more symbols than there are');
    }
  }
  if (counts.length > most + 1) throw new Error('more symbols than there are');
  return { table: fseTable(log, counts), end: Math.ceil(bit / 8) };
}

export interface HuffmanTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
}

const LONGEST_CODE = 11;

export function readHuffmanTable(bytes: Uint8Array, from: number) {
  const head = bytes[from];
  if (head === undefined) throw new Error('truncated');
  const begin = from + 1;
  const end = begin + (head < 128 ? head : (head - 126) >> 1);
  if (end > bytes.length) throw new Error('truncated');
  const weights = head < 128 ? packedWeights(bytes.subarray(begin, end)) : [];
  for (let i = 0; head >= 128 && i < head - 127; i++)
    weights.push(i % 2 === 0 ? bytes[begin + (i >> 1)]! >> 4 : bytes[begin + (i >> 1)]! & 15);
  return { table: huffmanTable(weights), end };
}

/** Two states that take turns. */
function packedWeights(bytes: Uint8Array): number[] {
  const { table, end } = readFseTable(bytes, 0, 6, 255);
  const stream = new BackwardBits(bytes.subarray(end));
  const states = [stream.read(table.log), stream.read(table.log)] as [number, number];
  const weights: number[] = [];
  for (let turn = 0; ; turn ^= 1) {
    const state = states[turn]!;
    weights.push(table.symbols[state]!);
    states[turn] = table.bases[state]! + stream.read(table.bits[state]!);
    if (stream.at >= 0) {
      if (weights.length > 255) throw new Error('more symbols than there are');
      continue;
    }
    weights.push(table.symbols[states[turn ^ 1]!]!);
    return weights;
  }
}

/** The weight of the last symbol is what is left. */
function huffmanTable(weights: readonly number[]): HuffmanTable {
  let sum = 0;
  for (const weight of weights) {
    if (weight > LONGEST_CODE) throw new Error('a code that is too long');
    if (weight > 0) sum += 1 << (weight - 1);
  }
  if (sum === 0 || weights.length > 255) throw new Error('no codes');
  const log = 32 - Math.clz32(sum);
  if (log > LONGEST_CODE) throw new Error('a code that is too long');
  const left = (1 << log) - sum;
  if ((left & (left - 1)) !== 0) throw new Error('codes that leave something');
  const all = [...weights, 32 - Math.clz32(left)];
  const symbols = new Uint8Array(1 << log);
  const bits = new Uint8Array(1 << log);
  let at = 0;
  for (let weight = 1; weight <= log; weight++) {
    for (let symbol = 0; symbol < all.length; symbol++) {
      if (all[symbol] !== weight) continue;
      const to = at + (1 << (weight - 1));
      symbols.fill(symbol, at, to);
      bits.fill(log + 1 - weight, at, to);
      at = to;
    }
  }
  return { log, symbols, bits };
}
