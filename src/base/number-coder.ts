import { ByteSink, ByteSource } from './byte-stream.ts';

/**
 * Whole numbers in as few bits as what came before lets expect: their length in bits and their first digits go through a range coder
 * with adaptive chances, one {@link NumberModel} for each kind of number; the digits that follow look like noise and are kept as they
 * are. Writer and reader must ask for the same kinds in the same order.
 */

/** Numbers of less than 2^53 have at most so many digits. */
const DIGITS = 53;
const LENGTH_BITS = 6;
const SIGNS = 1 << LENGTH_BITS;
const FIRST_DIGITS = SIGNS + DIGITS + 1;

/** A chance is of 2^16, and used with twelve bits: never none. */
const EVEN = 2 ** 15;
const LEAST = 32;
/** How far a chance moves towards what came, of 2^16, after so many came: quickly at first. */
const MOVES = Uint16Array.from({ length: 128 }, (_, seen) => Math.floor(2 ** 16 / (seen + 1.6)));

/** What a kind of number was like so far. */
export class NumberModel {
  /** Digits behind the first one that have a chance of their own, by length, sign and those before. */
  readonly digits: number;
  /** That the next bit is 0. */
  readonly chances: Uint16Array;
  readonly seen: Uint8Array;

  constructor(digits = 3) {
    const length = FIRST_DIGITS + 2 * (DIGITS + 1) * 2 ** digits;
    this.digits = digits;
    this.chances = new Uint16Array(length).fill(EVEN);
    this.seen = new Uint8Array(length);
  }

  learn(at: number, bit: number): void {
    const chance = this.chances[at]!;
    const seen = this.seen[at]!;
    const goal = bit === 0 ? 2 ** 16 - LEAST : LEAST;
    // Products of 16 bits each, of either sign, fit a double.
    this.chances[at] = chance + Math.trunc(((goal - chance) * MOVES[seen]!) / 2 ** 16);
    if (seen < MOVES.length - 1) this.seen[at] = seen + 1;
  }
}

/** Models by a number of which there may be many. */
export class NumberModels {
  readonly #models: (NumberModel | undefined)[] = [];
  readonly #digits: number | undefined;

  constructor(digits?: number) {
    this.#digits = digits;
  }

  /** Those far apart share one. */
  of(kind: number): NumberModel {
    const at = kind & 1023;
    let model = this.#models[at];
    if (model === undefined) {
      model = new NumberModel(this.#digits);
      this.#models[at] = model;
    }
    return model;
  }
}

/** Below this, the range is widened by a byte. */
const NARROW = 2 ** 24;

export class NumberEncoder {
  readonly #coded = new ByteSink();
  readonly #plain = new ByteSink();
  #low = 0;
  #range = 2 ** 32 - 1;
  /** The last byte that a carry may still change, and how many 255 follow it. */
  #byte = 0;
  #waiting = 1;
  #rest = 0;
  #restBits = 0;

  /** 0 to 2^53 - 1. */
  whole(model: NumberModel, value: number): void {
    this.#write(model, value, lengthOf(value), 0);
  }

  /** Of either sign, of at most 53 digits. */
  signed(model: NumberModel, value: number): void {
    const size = Math.abs(value);
    const length = lengthOf(size);
    const sign = value < 0 ? 1 : 0;
    this.#write(model, size, length, sign, true);
  }

  /** What was written. */
  finish(): Uint8Array<ArrayBuffer> {
    for (let i = 0; i < 5; i++) this.#shift();
    while (this.#restBits > 0) this.#plainBits(0, 8 - this.#restBits);
    const all = new ByteSink();
    const coded = this.#coded.take();
    all.whole(coded.length);
    all.raw(coded);
    all.raw(this.#plain.take());
    return all.take();
  }

  #write(model: NumberModel, size: number, length: number, sign: number, signed = false): void {
    let node = 1;
    for (let i = LENGTH_BITS - 1; i >= 0; i--) {
      const bit = (length >>> i) & 1;
      this.#bit(model, node, bit);
      node = node * 2 + bit;
    }
    if (signed && length > 0) this.#bit(model, SIGNS + length, sign);
    let left = length - 1;
    const first = FIRST_DIGITS + (sign * (DIGITS + 1) + length) * 2 ** model.digits;
    node = 1;
    for (let i = 0; i < model.digits && left > 0; i++) {
      left--;
      const bit = Math.floor(size / 2 ** left) & 1;
      this.#bit(model, first + node, bit);
      node = node * 2 + bit;
    }
    while (left > 0) {
      const bits = Math.min(left, 16);
      left -= bits;
      this.#plainBits(Math.floor(size / 2 ** left) % 2 ** bits, bits);
    }
  }

  #bit(model: NumberModel, at: number, bit: number): void {
    const bound = (this.#range >>> 12) * (model.chances[at]! >>> 4);
    if (bit === 0) {
      this.#range = bound;
    } else {
      this.#low += bound;
      this.#range -= bound;
    }
    model.learn(at, bit);
    while (this.#range < NARROW) {
      this.#range *= 256;
      this.#shift();
    }
  }

  #shift(): void {
    if (this.#low < 0xff00_0000 || this.#low >= 2 ** 32) {
      const carry = this.#low >= 2 ** 32 ? 1 : 0;
      for (; this.#waiting > 0; this.#waiting--) {
        this.#coded.byte((this.#byte + carry) & 255);
        this.#byte = 255;
      }
      this.#byte = Math.floor(this.#low / NARROW) & 255;
    }
    this.#waiting++;
    this.#low = (this.#low % NARROW) * 256;
  }

  #plainBits(value: number, bits: number): void {
    this.#rest += value * 2 ** this.#restBits;
    this.#restBits += bits;
    while (this.#restBits >= 8) {
      this.#plain.byte(this.#rest & 255);
      this.#rest >>>= 8;
      this.#restBits -= 8;
    }
  }
}

/** Reads what a {@link NumberEncoder} wrote. Throws a RangeError behind its end. */
export class NumberDecoder {
  readonly #coded: ByteSource;
  readonly #plain: ByteSource;
  #range = 2 ** 32 - 1;
  #code = 0;
  #rest = 0;
  #restBits = 0;

  constructor(bytes: Uint8Array) {
    const all = new ByteSource(bytes);
    this.#coded = new ByteSource(all.raw(all.whole()));
    this.#plain = new ByteSource(all.rest());
    for (let i = 0; i < 5; i++) this.#code = (this.#code % NARROW) * 256 + this.#coded.byte();
  }

  whole(model: NumberModel): number {
    return this.#read(model, false);
  }

  signed(model: NumberModel): number {
    return this.#read(model, true);
  }

  #read(model: NumberModel, signed: boolean): number {
    let node = 1;
    for (let i = 0; i < LENGTH_BITS; i++) node = node * 2 + this.#bit(model, node);
    const length = node - SIGNS;
    if (length === 0) return 0;
    if (length > DIGITS) throw new RangeError('a number is too long');
    const sign = signed ? this.#bit(model, SIGNS + length) : 0;
    const first = FIRST_DIGITS + (sign * (DIGITS + 1) + length) * 2 ** model.digits;
    let left = length - 1;
    node = 1;
    for (let i = 0; i < model.digits && left > 0; i++, left--) node = node * 2 + this.#bit(model, first + node);
    let size = node;
    while (left > 0) {
      const bits = Math.min(left, 16);
      left -= bits;
      size = size * 2 ** bits + this.#plainBits(bits);
    }
    return sign === 1 ? -size : size;
  }

  #bit(model: NumberModel, at: number): number {
    const bound = (this.#range >>> 12) * (model.chances[at]! >>> 4);
    let bit = 0;
    if (this.#code < bound) {
      this.#range = bound;
    } else {
      this.#code -= bound;
      this.#range -= bound;
      bit = 1;
    }
    model.learn(at, bit);
    while (this.#range < NARROW) {
      this.#range *= 256;
      this.#code = this.#code * 256 + this.#coded.byte();
    }
    return bit;
  }

  #plainBits(bits: number): number {
    while (this.#restBits < bits) {
      this.#rest += this.#plain.byte() * 2 ** this.#restBits;
      this.#restBits += 8;
    }
    const value = this.#rest & (2 ** bits - 1);
    this.#rest = Math.floor(this.#rest / 2 ** bits);
    this.#restBits -= bits;
    return value;
  }
}

/** How many binary digits a number has; 0 has none. */
export function lengthOf(value: number): number {
  return value < 2 ** 32 ? 32 - Math.clz32(value) : 64 - Math.clz32(value / 2 ** 32);
}
