import { RecordingError } from '../files/event-decoder.ts';

/** What a row group may hold once it is unpacked, its texts written out: a segment is closed at 48 MiB, a tick is of 256 at most. */
const MOST_BYTES = 256 * 1024 * 1024;

/** Counts down what a row group may still unpack to. */
export class Budget {
  #left = MOST_BYTES;

  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new RecordingError('more than a row group can hold');
  }
}

/** The bytes of a page, unpacked: each encoding checks every length against what is left of them before it believes it. */
export class PageBytes {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** An INT64, which we write only where JavaScript has the number. */
  i64(): number {
    const at = this.#take(8);
    return safe(this.#bytes.readInt32LE(at + 4) * 2 ** 32 + this.#bytes.readUInt32LE(at));
  }

  text(length: number): string {
    const at = this.#take(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  /** Throws where there are not so many bytes any more. */
  need(bytes: number): void {
    if (!(bytes >= 0 && bytes <= this.#end - this.#at)) throw new RecordingError('a page ends early');
  }

  /** Copies the next bytes into `into`. */
  copy(length: number, into: Buffer, to: number): void {
    const at = this.#take(length);
    this.#bytes.copy(into, to, at, at + length);
  }

  /** Single bits, in the order in which PLAIN has them. */
  bits(into: Uint8Array): void {
    this.#packed(into, 0, into.length, 1);
  }

  /** Runs of one value and runs of packed ones, until `into` is full. */
  runs(width: number, into: Uint8Array | Uint32Array): void {
    if (width > 24) throw new RecordingError(`numbers of ${width} bits`);
    for (let seen = 0; seen < into.length; ) {
      const head = this.#varint();
      const count = Math.floor(head / 2);
      if (count === 0) throw new RecordingError('a run of nothing');
      if (head % 2 === 1) {
        // Packed ones are filled up to a multiple of eight.
        const most = Math.min(8 * count, into.length - seen);
        this.#packed(into, seen, most, width, count * width);
        seen += most;
        continue;
      }
      if (count > into.length - seen) throw new RecordingError('a run beyond the end');
      let value = 0;
      for (let bits = 0; bits < width; bits += 8) value += this.byte() * 2 ** bits;
      into.fill(value, seen, seen + count);
      seen += count;
    }
  }

  /** DELTA_BINARY_PACKED, in blocks of 128 numbers as we write them. */
  deltas(into: Float64Array | Int32Array): void {
    if (this.#varint() !== 128 || this.#varint() !== 4) throw new RecordingError('blocks of another size');
    if (this.#varint() !== into.length) throw new RecordingError('another number of values');
    let value = Number(this.#zigzag());
    if (into.length > 0) into[0] = value;
    const widths = new Uint8Array(4);
    for (let seen = 1; seen < into.length; ) {
      const least = this.#zigzag();
      for (let i = 0; i < 4; i++) widths[i] = this.byte();
      for (let i = 0; i < 4 && seen < into.length; i++) {
        const most = Math.min(seen + 32, into.length);
        const width = widths[i]!;
        if (width > 64) throw new RecordingError(`numbers of ${width} bits`);
        const at = this.#take(4 * width);
        if (width > 52 || least < -LARGE || least > LARGE) {
          for (let bit = 8 * at; seen < most; seen++, bit += width) {
            value = Number(BigInt.asIntN(64, BigInt(value) + least + this.#manyBits(bit, width)));
            into[seen] = safe(value);
          }
          continue;
        }
        const step = Number(least);
        for (let bit = 8 * at; seen < most; seen++, bit += width) {
          value += step + (width === 0 ? 0 : this.#someBits(bit, width));
          into[seen] = safe(value);
        }
      }
    }
  }

  #packed(
    into: Uint8Array | Uint32Array,
    from: number,
    count: number,
    width: number,
    bytes = Math.ceil(count / 8),
  ): void {
    const at = this.#take(bytes);
    if (width === 0) {
      into.fill(0, from, from + count);
      return;
    }
    const mask = 2 ** width - 1;
    for (let i = 0, bit = 8 * at; i < count; i++, bit += width)
      into[from + i] = (this.#word(bit >>> 3) >>> (bit & 7)) & mask;
  }

  /** Up to 52 bits, from a bit of the page on. */
  #someBits(bit: number, width: number): number {
    const byte = bit >>> 3;
    const shift = bit & 7;
    const low = this.#word(byte) >>> shift;
    const got = 32 - shift;
    if (width <= got) return width === 32 ? low : low & ((1 << width) - 1);
    return low + (this.#word(byte + 4) & ((1 << (width - got)) - 1)) * 2 ** got;
  }

  #manyBits(bit: number, width: number): bigint {
    let bits = 0n;
    const first = bit >>> 3;
    for (let i = Math.ceil(((bit & 7) + width) / 8) - 1; i >= 0; i--) {
      bits = (bits << 8n) | BigInt(this.#bytes[first + i]!);
    }
    return BigInt.asUintN(width, bits >> BigInt(bit & 7));
  }

  /** Four bytes, of which those behind the end are 0: bits are taken out of whole words. */
  #word(at: number): number {
    const bytes = this.#bytes;
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }

  #zigzag(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw new RecordingError('an endless number');
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new RecordingError('an endless number');
  }

  #take(bytes: number): number {
    this.need(bytes);
    this.#at += bytes;
    return this.#at - bytes;
  }
}

const LARGE = 2n ** 52n;
/** What a text takes besides its letters. */
const STRING = 24;

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RecordingError('a number that is none of ours');
  return value;
}

/** Texts one after another, each with its length. */
export function plainTexts(page: PageBytes, count: number, budget: Budget): string[] {
  const texts: string[] = [];
  for (let i = 0; i < count; i++) {
    const length = page.u32();
    budget.spend(STRING + length);
    texts.push(page.text(length));
  }
  return texts;
}

/** DELTA_BYTE_ARRAY: each begins with so many bytes of the one before. */
export function deltaTexts(page: PageBytes, count: number, budget: Budget): string[] {
  const shared = new Int32Array(count);
  const rest = new Int32Array(count);
  page.deltas(shared);
  page.deltas(rest);
  const texts: string[] = [];
  let text = Buffer.alloc(256);
  let length = 0;
  for (let i = 0; i < count; i++) {
    const [same, more] = [shared[i]!, rest[i]!];
    if (same < 0 || same > length || more < 0) throw new RecordingError('a text that begins with nothing');
    page.need(more);
    length = same + more;
    budget.spend(STRING + length);
    if (length > text.length) text = Buffer.concat([text], Math.max(length, 2 * text.length));
    page.copy(more, text, same);
    texts.push(text.toString('utf8', 0, length));
  }
  return texts;
}
