import { gunzipSync } from 'node:zlib';
import { RecordingError } from '../files/event-decoder.ts';
import type { Chunk } from './footer.ts';
import { ThriftReader } from './thrift.ts';
import { type Budget, deltaTexts, PageBytes, plainTexts } from './values.ts';

/** A column of a row group. */
export interface Column {
  /** Of each place whether there is a value; null: everywhere. */
  readonly definition: Uint8Array | null;
  /** Of each place of a column of lists: 0 where a row begins. */
  readonly repetition: Uint8Array | null;
  /** The values, without those that are not there. */
  readonly wholes: Float64Array;
  readonly texts: Texts;
}

interface Texts {
  readonly words: readonly string[];
  /** Which of them each value is; null: they are the values. */
  readonly index: Uint32Array | null;
}

/** A page ends once it is a megabyte; longer ones hold one value, or are a dictionary. */
const MOST_PAGE = 64 * 1024 * 1024;
/** Two pages that follow one another are a megabyte together, and all there may be is 256. */
const MOST_PAGES = 1_024;
/** The most that gzip makes of a byte. */
const MOST_RATIO = 1_032;

/** Parquet's numbers. */
const DICTIONARY_PAGE = 2;
const DATA_PAGE_V2 = 3;
const PLAIN = 0;
const DELTA_NUMBERS = 5;
const DELTA_TEXTS = 7;
const DICTIONARY = 8;

interface Header {
  type: number;
  /** Bytes. */
  unpacked: number;
  packed: number;
  values: number;
  nulls: number;
  encoding: number;
  definition: number;
  repetition: number;
}

/** @throws RecordingError */
export function readChunk(file: Buffer, chunk: Chunk, budget: Budget): Column {
  return new ChunkReader(file, chunk, budget).read();
}

class ChunkReader {
  readonly #file: Buffer;
  readonly #chunk: Chunk;
  readonly #budget: Budget;
  readonly #definition: Uint8Array | null;
  readonly #repetition: Uint8Array | null;
  readonly #wholes: Float64Array;
  readonly #index: Uint32Array;
  #words: readonly string[] = [];
  #numbers: Float64Array | null = null;
  #indexed = false;
  /** Places and values so far. */
  #places = 0;
  #filled = 0;

  constructor(file: Buffer, chunk: Chunk, budget: Budget) {
    this.#file = file;
    this.#chunk = chunk;
    this.#budget = budget;
    const { leaf, values } = chunk;
    budget.spend(8 * values);
    this.#definition = leaf.definition > 0 ? new Uint8Array(values) : null;
    this.#repetition = leaf.list ? new Uint8Array(values) : null;
    this.#wholes = new Float64Array(leaf.kind === 'whole' ? values : 0);
    this.#index = new Uint32Array(leaf.kind === 'text' ? values : 0);
  }

  read(): Column {
    const { from, to, values } = this.#chunk;
    let at = from;
    for (let pages = 0; this.#places < values; pages++) {
      if (pages === MOST_PAGES) throw new RecordingError('more pages than are ever written');
      const reader = new ThriftReader(this.#file, at, to);
      const header = readHeader(reader);
      const end = reader.at + header.packed;
      if (end > to) throw new RecordingError('a page beyond its column');
      if (header.type === DICTIONARY_PAGE && pages === 0) this.#dictionary(header, reader.at);
      else if (header.type === DATA_PAGE_V2) this.#data(header, reader.at);
      else throw new RecordingError(`a page of type ${header.type}`);
      at = end;
    }
    return {
      definition: this.#definition,
      repetition: this.#repetition,
      wholes: this.#wholes.subarray(0, this.#filled),
      texts: { words: this.#words, index: this.#indexed ? this.#index.subarray(0, this.#filled) : null },
    };
  }

  #dictionary(header: Header, at: number): void {
    const { values, encoding } = header;
    if (encoding !== PLAIN || values < 1 || values > this.#chunk.values) throw new RecordingError('another dictionary');
    const page = this.#unpack(header, at);
    if (this.#chunk.leaf.kind === 'text') this.#words = plainTexts(page, values, this.#budget);
    else this.#numbers = plainWholes(page, values);
    this.#indexed = true;
  }

  #data(header: Header, at: number): void {
    const { values, nulls, definition, repetition } = header;
    const { leaf } = this.#chunk;
    if (values < 1 || values > this.#chunk.values - this.#places)
      throw new RecordingError('more values than were named');
    if (definition < 0 || repetition < 0 || definition + repetition > header.packed)
      throw new RecordingError('levels beyond their page');
    const [from, to] = [this.#places, this.#places + values];
    const middle = at + repetition;
    if (this.#repetition !== null) new PageBytes(this.#file, at, middle).runs(1, this.#repetition.subarray(from, to));
    let filled = values;
    if (this.#definition !== null) {
      const levels = this.#definition.subarray(from, to);
      // Levels up to 1 are of one bit, up to 2 of two.
      new PageBytes(this.#file, middle, middle + definition).runs(leaf.definition, levels);
      for (const level of levels) if (level !== leaf.definition) filled--;
    }
    if (filled !== values - nulls) throw new RecordingError('another number of nulls');
    this.#places = to;
    this.#values(header.encoding, this.#unpack(header, middle + definition), filled);
  }

  #values(encoding: number, page: PageBytes, count: number): void {
    const { kind } = this.#chunk.leaf;
    const [from, to] = [this.#filled, this.#filled + count];
    this.#filled = to;
    if (this.#indexed !== (encoding === DICTIONARY)) throw new RecordingError('a page of another encoding');
    if (encoding === DICTIONARY) {
      const known = kind === 'text' ? this.#words.length : this.#numbers!.length;
      const index = kind === 'text' ? this.#index.subarray(from, to) : new Uint32Array(count);
      const width = page.byte();
      if (width > 0) page.runs(width, index);
      for (const place of index) if (place >= known) throw new RecordingError('a value that the dictionary lacks');
      if (kind !== 'text') for (let i = 0; i < count; i++) this.#wholes[from + i] = this.#numbers![index[i]!]!;
    } else if (kind === 'whole' && encoding === DELTA_NUMBERS) page.deltas(this.#wholes.subarray(from, to));
    else if (kind === 'whole' && encoding === PLAIN) this.#wholes.set(plainWholes(page, count), from);
    else if (kind === 'text' && encoding === DELTA_TEXTS) this.#append(deltaTexts(page, count, this.#budget));
    else if (kind === 'text' && encoding === PLAIN) this.#append(plainTexts(page, count, this.#budget));
    else throw new RecordingError(`a page of encoding ${encoding}`);
  }

  #append(words: readonly string[]): void {
    this.#words = this.#words.length === 0 ? words : this.#words.concat(words);
  }

  /** What follows the levels of a page. */
  #unpack({ unpacked, packed, definition, repetition }: Header, at: number): PageBytes {
    const levels = definition + repetition;
    const [size, bytes] = [unpacked - levels, packed - levels];
    if (size < 0 || bytes < 0 || size > MOST_PAGE || size > MOST_RATIO * bytes)
      throw new RecordingError('a page of a size that its bytes cannot give');
    this.#budget.spend(size);
    let page: Buffer;
    try {
      // In one piece: it is as long as it says, or it is refused.
      page = gunzipSync(this.#file.subarray(at, at + bytes), {
        maxOutputLength: Math.max(size, 1),
        chunkSize: Math.max(size, 64),
      });
    } catch {
      throw new RecordingError('a page that is not compressed');
    }
    if (page.length !== size) throw new RecordingError('a page of another size');
    return new PageBytes(page);
  }
}

function plainWholes(page: PageBytes, count: number): Float64Array {
  page.need(8 * count);
  const wholes = new Float64Array(count);
  for (let i = 0; i < count; i++) wholes[i] = page.i64();
  return wholes;
}

function readHeader(reader: ThriftReader): Header {
  const header: Header = {
    type: -1,
    unpacked: -1,
    packed: -1,
    values: 0,
    nulls: 0,
    encoding: -1,
    definition: 0,
    repetition: 0,
  };
  const dictionary = (id: number): boolean => {
    if (id === 1) header.values = reader.whole();
    else if (id === 2) header.encoding = reader.whole();
    else return false;
    return true;
  };
  const data = (id: number): boolean => {
    if (id === 1) header.values = reader.whole();
    else if (id === 2) header.nulls = reader.whole();
    else if (id === 4) header.encoding = reader.whole();
    else if (id === 5) header.definition = reader.whole();
    else if (id === 6) header.repetition = reader.whole();
    else if (id === 7 && !reader.flag()) throw new RecordingError('a page that is not compressed');
    else return false;
    return true;
  };
  reader.struct((id) => {
    if (id === 1) header.type = reader.whole();
    else if (id === 2) header.unpacked = reader.whole();
    else if (id === 3) header.packed = reader.whole();
    else if (id === 7) reader.struct(dictionary);
    else if (id === 8) reader.struct(data);
    else return false;
    return true;
  });
  if (header.packed < 0 || header.unpacked < 0) throw new RecordingError('a page without a size');
  return header;
}
