import { gzipSync } from 'node:zlib';
import { ByteWriter, type SchemaElement } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeDictionaryPage } from 'hyparquet-writer/src/dictionary.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import type { Column, Way } from './chunk-columns.ts';

/** Bytes of a page, about, before it is compressed. */
const PAGE = 1 << 20;
const WIDEST_NUMBER = 8;

const gzip = (bytes: Uint8Array): Buffer => gzipSync(bytes, { level: 9, memLevel: 9 });

/** Writes pages of a column in the way that takes least, and returns what the footer says of them. */
export function writeChunk(writer: ByteWriter, path: SchemaElement[], column: Column) {
  const element = path.at(-1)!;
  const highest = path.slice(1).filter(({ repetition_type }) => repetition_type !== 'REQUIRED').length;
  const written = column.ways().map((way) => writePages(path, column, way, highest));
  const { bytes, data, unpacked, encoding } = written.reduce((a, b) => (b.bytes.offset < a.bytes.offset ? b : a));
  const from = writer.offset;
  writer.appendBytes(bytes.getBytes());
  const places = column.definition.length || column.length;
  return {
    file_offset: BigInt(from),
    meta_data: {
      type: element.type!,
      encodings: ['RLE' as const, ...(data > 0 ? ['PLAIN' as const] : []), encoding],
      path_in_schema: path.slice(1).map(({ name }) => name),
      codec: 'GZIP' as const,
      num_values: BigInt(places),
      total_compressed_size: BigInt(bytes.offset),
      total_uncompressed_size: BigInt(unpacked),
      data_page_offset: BigInt(from + data),
      ...(data > 0 && { dictionary_page_offset: BigInt(from) }),
      statistics: { null_count: BigInt(places - column.length), ...column.range() },
    },
  };
}

/** The pages of a column by themselves; `data`: where the first one after the dictionary begins. */
function writePages(path: SchemaElement[], column: Column, way: Way, highest: number) {
  const { encoding, dictionary } = way;
  const bytes = new ByteWriter(65_536);
  let unpacked = 0;
  if (dictionary !== undefined) unpacked += writeDictionaryPage(bytes, dictionaryColumn(path), [...dictionary]);
  const data = bytes.offset;
  for (const page of pagesOf(column, highest, way.sizeOf)) unpacked += writePage(bytes, column, way, highest, page);
  return { bytes, data, unpacked, encoding };
}

function dictionaryColumn(schemaPath: SchemaElement[]): Parameters<typeof writeDictionaryPage>[1] {
  return {
    columnName: schemaPath.map(({ name }) => name).join('.'),
    element: schemaPath.at(-1)!,
    schemaPath,
    codec: 'GZIP',
    compressors: { GZIP: gzip },
    stats: true,
    pageSize: PAGE,
    columnIndex: false,
    offsetIndex: false,
  };
}

/** Places [from, to) of a column, where there may be a value, and values [first, last). */
interface Page {
  readonly from: number;
  readonly to: number;
  readonly first: number;
  readonly last: number;
}

/** A page ends once it is large enough, where a row begins. */
function* pagesOf({ definition, repetition, length }: Column, highest: number, sizeOf: Way['sizeOf']): Iterable<Page> {
  const places = definition.length || length;
  let [from, first, last, size] = [0, 0, length, 0];
  if (sizeOf !== undefined || places * WIDEST_NUMBER > PAGE) {
    last = 0;
    for (let place = 0; place < places; place++) {
      const there = definition.length === 0 || definition.at(place) === highest;
      const bytes = there ? (sizeOf?.(last) ?? WIDEST_NUMBER) : 0;
      size += bytes;
      const rowBegins = repetition.length === 0 || repetition.at(place) === 0;
      if (size >= PAGE && place > from && rowBegins) {
        yield { from, to: place, first, last };
        [from, first, size] = [place, last, bytes];
      }
      if (there) last++;
    }
  }
  yield { from, to: places, first, last };
}

/** @returns its size before it was compressed, with what is before it. */
function writePage(writer: ByteWriter, column: Column, way: Way, highest: number, page: Page): number {
  const { from, to, first, last } = page;
  const levels = new ByteWriter();
  const repetition = column.repetition.view(from, to);
  let rows = repetition.length === 0 ? to - from : 0;
  for (const level of repetition) if (level === 0) rows++;
  const repetitionBytes = repetition.length === 0 ? 0 : writeRleBitPackedHybrid(levels, repetition, 1);
  const definition = highest === 0 ? [] : column.definition.view(from, to);
  const definitionBytes = highest === 0 ? 0 : writeRleBitPackedHybrid(levels, definition, 32 - Math.clz32(highest));
  const values = new ByteWriter(WIDEST_NUMBER * (last - first));
  way.write(values, first, last);
  const packed = gzip(values.getBytes());
  const begin = writer.offset;
  writePageHeader(writer, {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: levels.offset + values.offset,
    compressed_page_size: levels.offset + packed.length,
    data_page_header_v2: {
      num_values: to - from,
      num_nulls: to - from - (last - first),
      num_rows: rows,
      encoding: way.encoding,
      definition_levels_byte_length: definitionBytes,
      repetition_levels_byte_length: repetitionBytes,
      is_compressed: true,
    },
  });
  const head = writer.offset - begin;
  writer.appendBytes(levels.getBytes());
  writer.appendBytes(packed);
  return head + levels.offset + values.offset;
}
