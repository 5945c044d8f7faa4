import { gzipSync } from 'node:zlib';
import { ByteWriter, type SchemaElement } from 'hyparquet-writer';
import { getPageBoundaries } from 'hyparquet-writer/src/column.js';
import { writeDataPageV2 } from 'hyparquet-writer/src/datapage.js';
import { writeDictionaryPage } from 'hyparquet-writer/src/dictionary.js';

/** Values of a column: text as UTF-8; null where there is none, with levels that say so. */
type Value = bigint | Uint8Array | boolean | null;

/** A column of a row group, with the levels that Parquet has for values that are left out and for lists. */
export interface ChunkValues {
  readonly values: readonly Value[];
  /** Empty in columns in which there is always a value. */
  readonly definition: number[];
  /** Empty in columns without lists. */
  readonly repetition: number[];
}

type PageValue = Value | number;

/** Ways to write values: `words` is a dictionary, `deltas` are differences of numbers, `plain` is one value after another. */
export type Way = 'words' | 'deltas' | 'plain';

/** Bytes of a page, about, before it is compressed. */
const PAGE = 1 << 20;
/** Bytes: what fits a page at this width each need not be measured value by value. */
const WIDEST_NUMBER = 8;
/** So few different values take least as numbers of theirs: no other way is tried. */
const FEW_WORDS = 16;

type Column = Parameters<typeof writeDataPageV2>[0]['column'];
type Encoding = Parameters<typeof writeDataPageV2>[0]['encoding'];

/** Writes pages of a column in the way that takes least, and returns what the footer says of them. */
export function writeChunk(
  writer: ByteWriter,
  schemaPath: SchemaElement[],
  { values, definition, repetition }: ChunkValues,
  ways: readonly Way[],
) {
  const column: Column = {
    columnName: schemaPath.map(({ name }) => name).join('.'),
    element: schemaPath.at(-1)!,
    schemaPath,
    codec: 'GZIP',
    compressors: { GZIP: (bytes) => gzipSync(bytes, { level: 9, memLevel: 9 }) },
    stats: true,
    pageSize: PAGE,
    columnIndex: false,
    offsetIndex: false,
  };
  const { element } = column;
  const present = values.filter((value) => value !== null);
  const words = ways.includes('words') ? wordsOf(present) : null;
  const few = words !== null && words.sorted.length <= FEW_WORDS;
  const attempts = ways.flatMap((way) => {
    if (way !== 'words') return few ? [] : [writePages(column, values, definition, repetition, way, null)];
    return words === null ? [] : [writePages(column, values, definition, repetition, way, words)];
  });
  // Text that hardly repeats itself.
  if (attempts.length === 0) attempts.push(writePages(column, values, definition, repetition, 'plain', null));
  const { bytes, data, unpacked, encoding } = attempts.reduce((a, b) => (b.bytes.offset < a.bytes.offset ? b : a));
  const from = writer.offset;
  writer.appendBytes(bytes.getBytes());
  const dictionary = encoding === 'RLE_DICTIONARY' ? BigInt(from) : undefined;
  return {
    file_offset: BigInt(from),
    meta_data: {
      type: element.type!,
      encodings: [...new Set<Encoding>(dictionary === undefined ? ['RLE', encoding] : ['RLE', 'PLAIN', encoding])],
      path_in_schema: schemaPath.slice(1).map(({ name }) => name),
      codec: column.codec,
      num_values: BigInt(values.length),
      total_compressed_size: BigInt(bytes.offset),
      total_uncompressed_size: BigInt(unpacked),
      data_page_offset: BigInt(from + data),
      ...(dictionary !== undefined && { dictionary_page_offset: dictionary }),
      statistics: { null_count: BigInt(values.length - present.length), ...leastAndMost(present, words) },
    },
  };
}

/** The pages of a column by themselves; `data`: where the first one after the dictionary begins. */
function writePages(
  column: Column,
  values: readonly Value[],
  definition: number[],
  repetition: number[],
  way: Way,
  words: Words | null,
) {
  const bytes = new ByteWriter();
  let unpacked = 0;
  if (words !== null) unpacked += writeDictionaryPage(bytes, column, [...words.sorted]);
  const data = bytes.offset;
  const written = words === null ? values : values.map((value) => (value === null ? null : words.places.get(value)!));
  const encoding: Encoding =
    way === 'words' ? 'RLE_DICTIONARY' : way === 'deltas' ? 'DELTA_BINARY_PACKED' : ('PLAIN' as const);
  const type = words === null ? column.element.type! : 'INT32';
  const maxDefinitionLevel = maxDefinition(column.schemaPath);
  const write = (some: readonly PageValue[], definitionLevels: number[], repetitionLevels: number[]): void => {
    const pageData = { values: some as PageValue[], definitionLevels, repetitionLevels, maxDefinitionLevel };
    unpacked += writeDataPageV2({ writer: bytes, column, encoding, pageData });
  };
  if (type !== 'BYTE_ARRAY' && written.length * WIDEST_NUMBER <= PAGE) write(written, definition, repetition);
  else
    for (const { start, end } of getPageBoundaries([...written], type, undefined, PAGE, repetition))
      write(written.slice(start, end), definition.slice(start, end), repetition.slice(start, end));
  return { bytes, data, unpacked, encoding };
}

function maxDefinition(path: readonly SchemaElement[]): number {
  return path.slice(1).filter(({ repetition_type }) => repetition_type !== 'REQUIRED').length;
}

interface Words {
  readonly sorted: readonly (bigint | Uint8Array)[];
  /** By value; bytes by identity. */
  readonly places: ReadonlyMap<Value, number>;
}

/**
 * The different values, sorted: neighbours are alike, and compress well. Null where they hardly repeat themselves, or where there are
 * none.
 */
function wordsOf(values: readonly Value[]): Words | null {
  const seen = new Map<bigint | string, bigint | Uint8Array>();
  const names = new Map<Value, bigint | string>();
  for (const value of values) {
    if (value === null || typeof value === 'boolean' || names.has(value)) continue;
    const name = typeof value === 'bigint' ? value : Buffer.from(value).toString('latin1');
    names.set(value, name);
    if (!seen.has(name)) seen.set(name, value);
  }
  if (seen.size === 0 || seen.size > values.length / 2) return null;
  const entries = [...seen].sort(([, a], [, b]) => compare(a, b));
  const order = new Map(entries.map(([name], place) => [name, place]));
  const places = new Map([...names].map(([value, name]) => [value, order.get(name)!]));
  return { sorted: entries.map(([, value]) => value), places };
}

function compare(a: bigint | Uint8Array, b: bigint | Uint8Array): number {
  if (typeof a !== 'bigint' && typeof b !== 'bigint') return Buffer.compare(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** For readers that skip row groups. Of text that hardly repeats itself, each group holds some of everything. */
function leastAndMost(values: readonly Value[], words: Words | null) {
  if (words !== null) return { min_value: words.sorted[0]!, max_value: words.sorted.at(-1)! };
  let [least, most]: [bigint | null, bigint | null] = [null, null];
  for (const value of values) {
    if (typeof value !== 'bigint') return {};
    if (least === null || value < least) least = value;
    if (most === null || value > most) most = value;
  }
  return least === null || most === null ? {} : { min_value: least, max_value: most };
}
