import { ByteWriter } from 'hyparquet-writer';
import { deltaBinaryPack } from 'hyparquet-writer/src/delta.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import { writePlain } from 'hyparquet-writer/src/plain.js';
import { Growable } from '../../base/growable.ts';

/** What Parquet's footer calls the least and the greatest value. */
interface Range {
  readonly min_value: bigint | Uint8Array;
  readonly max_value: bigint | Uint8Array;
}

/** A way to write the values of a column. */
export interface Way {
  readonly encoding: 'PLAIN' | 'DELTA_BINARY_PACKED' | 'RLE_DICTIONARY';
  /** Sorted: neighbours are alike, and compress well. */
  readonly dictionary?: readonly bigint[] | readonly Uint8Array[];
  /** Writes the values [from, to). */
  write(page: ByteWriter, from: number, to: number): void;
  /** Bytes of the value number `at`. Left out: eight at most. */
  readonly sizeOf?: (at: number) => number;
}

/** So few different values take least as numbers of theirs: no other way is tried. */
const FEW_WORDS = 16;

/** A column of a row group, as it is filled: its values, and levels that say where there is none and where lists begin. */
export abstract class Column {
  /** Empty in columns in which there is always a value. */
  readonly definition = new Growable(Uint8Array);
  /** Empty in columns without lists. */
  readonly repetition = new Growable(Uint8Array);

  /** Values. */
  abstract readonly length: number;

  /** One of them takes least. */
  abstract ways(): readonly Way[];

  /** For readers that skip row groups. Of text that hardly repeats itself, each group holds some of everything. */
  range(): Range | null {
    return null;
  }

  /** That there is a value next, or none. */
  maybe(there: boolean): boolean {
    this.definition.push(there ? 1 : 0);
    return there;
  }

  /** The place number `at` of a list, and its level; level 0 and no value: nothing is in the list. */
  inList(at: number, level: number): void {
    this.definition.push(level);
    this.repetition.push(at === 0 ? 0 : 1);
  }

  clear(): void {
    this.definition.truncate(0);
    this.repetition.truncate(0);
  }
}

/** Whole numbers of at most 2^53. Differences of them take little where they are close to one another, as times are. */
export class WholeColumn extends Column {
  readonly values = new Growable(Float64Array);
  readonly #words: boolean;

  /** `words`: depending on the cluster they may be few. */
  constructor({ words }: { words: boolean }) {
    super();
    this.#words = words;
  }

  get length(): number {
    return this.values.length;
  }

  ways(): Way[] {
    const values = this.values.view();
    const deltas: Way = {
      encoding: 'DELTA_BINARY_PACKED',
      write: (page, from, to) => writeDeltas(page, values.subarray(from, to)),
    };
    const words = this.#words ? wordsOf(values, (a, b) => a - b) : null;
    if (words === null) return [deltas];
    const indexed = indexedBy(words, words.sorted.map(BigInt));
    return words.sorted.length <= FEW_WORDS ? [indexed] : [indexed, deltas];
  }

  override range(): Range | null {
    if (this.length === 0) return null;
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of this.values.view()) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    return { min_value: BigInt(least), max_value: BigInt(most) };
  }

  override clear(): void {
    super.clear();
    this.values.truncate(0);
  }
}

/** Texts that repeat themselves, each by its number. */
export class WordColumn extends Column {
  readonly values = new Growable(Uint32Array);
  readonly #textOf: (word: number) => Uint8Array;
  #known: Words | null | undefined;

  /** `textOf`: UTF-8. */
  constructor(textOf: (word: number) => Uint8Array) {
    super();
    this.#textOf = textOf;
  }

  get length(): number {
    return this.values.length;
  }

  ways(): Way[] {
    const words = this.#words();
    if (words !== null) return [indexedBy(words, words.sorted.map(this.#textOf))];
    // They do not, after all.
    const texts = Array.from(this.values.view(), this.#textOf);
    return [
      {
        encoding: 'PLAIN',
        write: (page, from, to) => writePlain(page, texts.slice(from, to), 'BYTE_ARRAY', undefined),
        sizeOf: (at) => 4 + texts[at]!.length,
      },
    ];
  }

  override range(): Range | null {
    const words = this.#words();
    if (words === null) return null;
    return { min_value: this.#textOf(words.sorted[0]!), max_value: this.#textOf(words.sorted.at(-1)!) };
  }

  override clear(): void {
    super.clear();
    this.values.truncate(0);
    this.#known = undefined;
  }

  #words(): Words | null {
    // Null is an answer, too, and is asked for twice.
    if (this.#known === undefined)
      this.#known = wordsOf(this.values.view(), (a, b) => Buffer.compare(this.#textOf(a), this.#textOf(b)));
    return this.#known;
  }
}

/** Texts that are told whole, as they are in the file: each with its length before it. */
export class TextColumn extends Column {
  #bytes = Buffer.allocUnsafe(65_536);
  #used = 0;
  readonly #ends = new Growable(Float64Array);

  get length(): number {
    return this.#ends.length;
  }

  push(text: string): void {
    const room = this.#used + 4 + 3 * text.length;
    if (room > this.#bytes.length) {
      const more = Buffer.allocUnsafe(Math.max(room, 2 * this.#bytes.length));
      this.#bytes.copy(more, 0, 0, this.#used);
      this.#bytes = more;
    }
    const length = this.#bytes.write(text, this.#used + 4);
    this.#bytes.writeUInt32LE(length, this.#used);
    this.#used += 4 + length;
    this.#ends.push(this.#used);
  }

  ways(): Way[] {
    const begin = (at: number): number => (at === 0 ? 0 : this.#ends.at(at - 1));
    return [
      {
        encoding: 'PLAIN',
        write: (page, from, to) => page.appendBytes(this.#bytes.subarray(begin(from), begin(to))),
        sizeOf: (at) => this.#ends.at(at) - begin(at),
      },
    ];
  }

  override clear(): void {
    super.clear();
    this.#used = 0;
    this.#ends.truncate(0);
  }
}

/** Of each row whether it is so. */
export class FlagColumn extends Column {
  readonly values = new Growable(Uint8Array);

  get length(): number {
    return this.values.length;
  }

  ways(): Way[] {
    const flags = Array.from(this.values.view(), Boolean);
    const write: Way['write'] = (page, from, to) => writePlain(page, flags.slice(from, to), 'BOOLEAN', undefined);
    return [{ encoding: 'PLAIN', write }];
  }

  override clear(): void {
    super.clear();
    this.values.truncate(0);
  }
}

interface Words {
  readonly sorted: readonly number[];
  /** Of each value, which of them it is. */
  readonly places: Uint32Array;
}

/** The different values; null where they hardly repeat themselves, or where there are none. */
function wordsOf(values: Float64Array | Uint32Array, compare: (a: number, b: number) => number): Words | null {
  const seen = new Map<number, number>();
  const places = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    let place = seen.get(value);
    if (place === undefined) {
      place = seen.size;
      if (place + 1 > values.length / 2) return null;
      seen.set(value, place);
    }
    places[i] = place;
  }
  if (seen.size === 0) return null;
  const sorted = [...seen.keys()].sort(compare);
  const order = new Uint32Array(sorted.length);
  for (const [place, value] of sorted.entries()) order[seen.get(value)!] = place;
  for (let i = 0; i < places.length; i++) places[i] = order[places[i]!]!;
  return { sorted, places };
}

function indexedBy({ places }: Words, dictionary: readonly bigint[] | readonly Uint8Array[]): Way {
  const width = 32 - Math.clz32(dictionary.length - 1);
  const write: Way['write'] = (page, from, to) => {
    page.appendUint8(width);
    writeRleBitPackedHybrid(page, places.subarray(from, to), width);
  };
  return { encoding: 'RLE_DICTIONARY', dictionary, write };
}

/**
 * Differences are the same wherever numbers begin: from the first one on, most fit 32 bits, and to write those takes no number that is
 * an object.
 */
function writeDeltas(page: ByteWriter, values: Float64Array): void {
  const first = values[0] ?? 0;
  const offsets = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const offset = values[i]! - first;
    offsets[i] = offset;
    if (offsets[i] === offset) continue;
    deltaBinaryPack(page, values, 'INT64');
    return;
  }
  const [bytes, head] = [new ByteWriter(8 * values.length), new ByteWriter()];
  deltaBinaryPack(bytes, offsets, 'INT64');
  writeDeltaHead(head, values.length, 0);
  writeDeltaHead(page, values.length, first);
  page.appendBytes(bytes.getBytes().subarray(head.offset));
}

/** What comes before the differences: 128 at a time in four parts, how many numbers there are, and the first. */
function writeDeltaHead(page: ByteWriter, count: number, first: number): void {
  page.appendVarInt(128);
  page.appendVarInt(4);
  page.appendVarInt(count);
  page.appendZigZag(BigInt(first));
}
