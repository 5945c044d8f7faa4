type Values = Uint8Array | Uint16Array | Uint32Array | Float64Array;
const WIDTHS = [Uint8Array, Uint16Array, Uint32Array, Float64Array] as const;
const LARGEST = [0xff, 0xffff, 0xffff_ffff, Number.POSITIVE_INFINITY];
/** Rows of a chunk. */
const CHUNK_BITS = 14;
const CHUNK = 2 ** CHUNK_BITS;

interface Chunk {
  values: Values;
  /** Added to each value. */
  base: number;
  /** Index into WIDTHS. */
  width: number;
}

/**
 * An append-only column of numbers that takes no more bytes a row than its values need, chunk by chunk: growing never copies what
 * is there, and old chunks could go one by one. A chunk that meets a number too large for it (or not whole, or negative) gets wider.
 */
export class PackedColumn {
  readonly #chunks: Chunk[] = [];
  readonly #first: number;
  readonly #relative: boolean;
  #length = 0;

  /** `bits` that most values need; with `relative`, to tell them from the first one of their chunk (times). */
  constructor(bits: 8 | 16 | 32, relative = false) {
    this.#first = bits === 8 ? 0 : bits === 16 ? 1 : 2;
    this.#relative = relative;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    let bytes = 0;
    for (const { values } of this.#chunks) bytes += values.byteLength;
    return bytes;
  }

  at(index: number): number {
    const { base, values } = this.#chunks[index >>> CHUNK_BITS]!;
    return base + values[index & (CHUNK - 1)]!;
  }

  push(value: number): void {
    const row = this.#length & (CHUNK - 1);
    let chunk = this.#chunks[this.#length >>> CHUNK_BITS];
    if (chunk === undefined) {
      const width = this.#first;
      // The first chunk grows, so that a short column is small.
      const values = new WIDTHS[width]!(this.#length === 0 ? 256 : CHUNK);
      chunk = { values, base: this.#relative ? value - Math.floor(LARGEST[width]! / 2) : 0, width };
      if (!Number.isSafeInteger(value)) chunk.base = 0;
      this.#chunks.push(chunk);
    } else if (row === chunk.values.length) {
      chunk.values = copyInto(new WIDTHS[chunk.width]!(row * 2), chunk.values);
    }
    const offset = value - chunk.base;
    if (chunk.width < 3 && !(offset >= 0 && offset <= LARGEST[chunk.width]! && Number.isInteger(offset))) {
      widen(chunk, value);
    }
    chunk.values[row] = value - chunk.base;
    this.#length++;
  }
}

/** Makes room for `value`; what is there keeps its value. */
function widen(chunk: Chunk, value: number): void {
  const { values, base } = chunk;
  const fits = base === 0 && value >= 0 && Number.isInteger(value);
  while (chunk.width < 3 && !(fits && value <= LARGEST[chunk.width]!)) chunk.width++;
  const wider = new WIDTHS[chunk.width]!(values.length);
  for (let row = 0; row < values.length; row++) wider[row] = values[row]! + base;
  chunk.values = wider;
  chunk.base = 0;
}

function copyInto<T extends Values>(into: T, from: Values): T {
  into.set(from);
  return into;
}
