import { gunzipSync, gzipSync } from 'node:zlib';
import { parquetMetadata } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { CompressionCodecs, Encodings, PageTypes, ParquetTypes } from 'hyparquet/src/constants.js';

// Parquet files taken apart and put together again, with whatever somebody who means harm would write in between.

/** What a page says of itself. What is left out is what is so. */
export interface Said {
  type?: number;
  unpacked?: number;
  packed?: number;
  values?: number;
  nulls?: number;
  encoding?: number;
  definition?: number;
  repetition?: number;
  compressed?: boolean;
}

export interface ForgedPage {
  said: Said;
  repetition: Buffer;
  definition: Buffer;
  /** Unpacked. */
  body: Buffer;
  /** Instead of the body, packed. */
  packed?: Buffer;
  /** Instead of the header. */
  header?: Buffer;
}

export interface ForgedColumn {
  path: string[];
  type: number;
  codec: number;
  values: number;
  /** Instead of where it is, and of how long. */
  at?: number;
  size?: number;
  pages: ForgedPage[];
}

export interface ForgedGroup {
  rows: number;
  columns: ForgedColumn[];
}

/** A list of so many of the same. */
export class Many {
  readonly element: Thrift;
  readonly count: number;

  constructor(element: Thrift, count: number) {
    this.element = element;
    this.count = count;
  }
}

export type Thrift =
  | number
  | boolean
  | string
  | Buffer
  | Many
  | readonly Thrift[]
  | { readonly [field: number]: Thrift };

/** The footer without what is of no use here, written anew. */
export interface ForgedFile {
  groups: ForgedGroup[];
  /** More fields of the footer. */
  footer?: { readonly [field: number]: Thrift };
}

export function takeApart(bytes: Uint8Array): ForgedFile {
  const file = Buffer.from(bytes);
  const { row_groups } = parquetMetadata(new Uint8Array(file));
  const groups = row_groups.map(({ num_rows, columns }) => ({
    rows: Number(num_rows),
    columns: columns.map(({ meta_data }): ForgedColumn => {
      const { type, codec, path_in_schema, num_values, total_compressed_size } = meta_data!;
      const from = Number(meta_data!.dictionary_page_offset ?? meta_data!.data_page_offset);
      return {
        path: path_in_schema,
        type: ParquetTypes.indexOf(type),
        codec: CompressionCodecs.indexOf(codec),
        values: Number(num_values),
        pages: pagesOf(file.subarray(from, from + Number(total_compressed_size))),
      };
    }),
  }));
  return { groups };
}

function pagesOf(bytes: Buffer): ForgedPage[] {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  const pages: ForgedPage[] = [];
  while (reader.offset < bytes.length) {
    const header = parquetHeader(reader);
    const data = header.data_page_header_v2;
    const part = (length: number): Buffer => {
      reader.offset += length;
      return Buffer.from(bytes.subarray(reader.offset - length, reader.offset));
    };
    const begin = reader.offset;
    const repetition = part(data?.repetition_levels_byte_length ?? 0);
    const definition = part(data?.definition_levels_byte_length ?? 0);
    const body = gunzipSync(part(header.compressed_page_size - (reader.offset - begin)), { maxOutputLength: 1 << 26 });
    const { num_values, encoding } = data ?? header.dictionary_page_header!;
    pages.push({
      said: {
        type: PageTypes.indexOf(header.type),
        values: num_values,
        encoding: Encodings.indexOf(encoding),
        ...(data !== undefined && { nulls: data.num_nulls }),
      },
      repetition,
      definition,
      body,
    });
  }
  return pages;
}

export function putTogether({ groups, footer }: ForgedFile): Buffer {
  const parts: Buffer[] = [Buffer.from('PAR1')];
  let at = 4;
  const rowGroups = groups.map(({ rows, columns }) => {
    const chunks = columns.map(({ path, type, codec, values, pages, ...column }) => {
      const from = at;
      for (const page of pages.flatMap(bytesOfPage)) {
        parts.push(page);
        at += page.length;
      }
      return {
        3: { 1: type, 3: path, 4: codec, 5: values, 7: column.size ?? at - from, 9: column.at ?? from },
      };
    });
    return { 1: chunks, 3: rows };
  });
  return Buffer.concat([...parts, withFooter(thrift({ 1: 2, 4: rowGroups, ...footer }))]);
}

/** The end of a file. `length`: what it says of its length. */
export function withFooter(metadata: Buffer, length = metadata.length): Buffer {
  const end = Buffer.from('\0\0\0\0PAR1');
  end.writeUInt32LE(length);
  return Buffer.concat([metadata, end]);
}

function bytesOfPage({ said, repetition, definition, body, ...page }: ForgedPage): Buffer[] {
  const packed = page.packed ?? gzipSync(body);
  const levels = repetition.length + definition.length;
  const { type = 3, values = 0, nulls = 0, encoding = 0, compressed = true } = said;
  const about: Thrift =
    type === 2
      ? { 7: { 1: values, 2: encoding } }
      : {
          8: {
            1: values,
            2: nulls,
            3: values,
            4: encoding,
            5: said.definition ?? definition.length,
            6: said.repetition ?? repetition.length,
            7: compressed,
          },
        };
  const header = {
    1: type,
    2: said.unpacked ?? levels + body.length,
    3: said.packed ?? levels + packed.length,
    ...about,
  };
  return [page.header ?? thrift(header), repetition, definition, packed];
}

/** Thrift's compact protocol. */
export function thrift(value: Thrift): Buffer {
  if (typeof value === 'number') return varint(BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n)));
  if (typeof value === 'boolean') return Buffer.alloc(0);
  if (typeof value === 'string') return thrift(Buffer.from(value));
  if (Buffer.isBuffer(value)) return Buffer.concat([varint(BigInt(value.length)), value]);
  if (value instanceof Many) {
    const element = thrift(value.element);
    const all = Buffer.alloc(element.length * value.count, element);
    return Buffer.concat([Buffer.of(0xf0 | typeOf(value.element)), varint(BigInt(value.count)), all]);
  }
  if (Array.isArray(value)) {
    const type = value.length === 0 ? 12 : typeOf(value[0]);
    return Buffer.concat([Buffer.of(0xf0 | type), varint(BigInt(value.length)), ...value.map(thrift)]);
  }
  const fields = Object.entries(value).map(([id, field]: [string, Thrift]) =>
    Buffer.concat([Buffer.of(typeOf(field)), thrift(Number(id)), thrift(field)]),
  );
  return Buffer.concat([...fields, Buffer.of(0)]);
}

function typeOf(value: Thrift): number {
  if (typeof value === 'number') return 6;
  if (typeof value === 'boolean') return value ? 1 : 2;
  if (typeof value === 'string' || Buffer.isBuffer(value)) return 8;
  return Array.isArray(value) || value instanceof Many ? 9 : 12;
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  return Buffer.of(...bytes, Number(left));
}
