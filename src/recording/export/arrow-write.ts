import {
  type FlatOffset,
  FlatWriter,
  flatByte,
  flatInt,
  flatLong,
  flatRef,
  flatShort,
} from '../../base/flat-buffer.ts';
import { encodeUtf8Into } from '../../base/utf8.ts';

/** Types of columns. Text and times are what pandas, pyarrow, DuckDB and Polars make of them without being told. */
export type ArrowType =
  | { readonly kind: 'text' }
  | { readonly kind: 'whole' }
  | { readonly kind: 'flag' }
  /** Whole microseconds since epoch, UTC. */
  | { readonly kind: 'time' }
  | { readonly kind: 'list'; readonly of: ArrowField }
  | { readonly kind: 'struct'; readonly fields: readonly ArrowField[] };

export interface ArrowField {
  readonly name: string;
  readonly type: ArrowType;
  readonly nullable: boolean;
}

/** Values of a column; `null` where there is none. Objects have their fields by name. */
export type ArrowValue =
  | string
  | number
  | boolean
  | null
  | readonly ArrowValue[]
  | { readonly [name: string]: ArrowValue };

const MAGIC = new TextEncoder().encode('ARROW1');
const CONTINUATION = 0xffff_ffff;
const VERSION_5 = 4;
const HEADER = { schema: 1, batch: 3 } as const;
const TYPE_IDS = { whole: 2, text: 5, flag: 6, time: 10, list: 12, struct: 13 } as const;
const MICROSECONDS = 2;

/** Where a batch lies in the file. */
interface Block {
  readonly offset: number;
  readonly head: number;
  readonly body: number;
}

/**
 * An Arrow IPC file ("Feather V2") written batch by batch: nothing but the batch at hand is held. Not compressed, so that readers can
 * map it into memory.
 */
export class ArrowWriter {
  readonly #fields: readonly ArrowField[];
  readonly #blocks: Block[] = [];
  #written = 0;

  constructor(fields: readonly ArrowField[]) {
    this.#fields = fields;
  }

  /** The first bytes of the file. */
  begin(): Uint8Array {
    const flat = new FlatWriter();
    const schema = schemaOf(flat, this.#fields);
    const begin = new Uint8Array(8);
    begin.set(MAGIC);
    return this.#count(joined([begin, message(flat, HEADER.schema, schema, 0)]));
  }

  /** The next rows: columns of one length in the order of the fields. */
  batch(columns: readonly (readonly ArrowValue[])[]): Uint8Array {
    const nodes: [length: number, nulls: number][] = [];
    const buffers: Uint8Array[] = [];
    this.#fields.forEach((field, i) => {
      addColumn(field.type, columns[i]!, nodes, buffers);
    });
    let body = 0;
    const places = buffers.map((buffer): [number, number] => {
      const place: [number, number] = [body, buffer.length];
      body += padded(buffer.length);
      return place;
    });
    const flat = new FlatWriter();
    const buffersAt = flat.longs(places);
    const nodesAt = flat.longs(nodes);
    const batch = flat.table([flatLong(columns[0]?.length ?? 0), flatRef(nodesAt), flatRef(buffersAt)]);
    const head = message(flat, HEADER.batch, batch, body);
    this.#blocks.push({ offset: this.#written, head: head.length, body });
    return this.#count(joined([head, ...buffers.map(withPadding)]));
  }

  /** The last bytes of the file. */
  finish(): Uint8Array {
    const end = new Uint8Array(8);
    new DataView(end.buffer).setUint32(0, CONTINUATION, true);
    const flat = new FlatWriter();
    // The second number of a block is an int with four bytes behind it that nobody reads: little-endian, that is one long.
    const batches = flat.longs(this.#blocks.map(({ offset, head, body }) => [offset, head, body]));
    const none = flat.longs([]);
    const schema = schemaOf(flat, this.#fields);
    const footer = flat.finish(flat.table([flatShort(VERSION_5), flatRef(schema), flatRef(none), flatRef(batches)]));
    const length = new Uint8Array(4);
    new DataView(length.buffer).setInt32(0, footer.length, true);
    return joined([end, footer, length, MAGIC]);
  }

  #count(bytes: Uint8Array): Uint8Array {
    this.#written += bytes.length;
    return bytes;
  }
}

function message(flat: FlatWriter, kind: number, header: FlatOffset, body: number): Uint8Array {
  const root = flat.table([flatShort(VERSION_5), flatByte(kind), flatRef(header), flatLong(body)]);
  const bytes = flat.finish(root);
  const head = new Uint8Array(8 + padded(bytes.length));
  const view = new DataView(head.buffer);
  view.setUint32(0, CONTINUATION, true);
  view.setInt32(4, head.length - 8, true);
  head.set(bytes, 8);
  return head;
}

function schemaOf(flat: FlatWriter, fields: readonly ArrowField[]): FlatOffset {
  const list = flat.refs(fields.map((field) => fieldOf(flat, field)));
  return flat.table([flatShort(0), flatRef(list)]);
}

function fieldOf(flat: FlatWriter, { name, type, nullable }: ArrowField): FlatOffset {
  const children = type.kind === 'list' ? [type.of] : type.kind === 'struct' ? type.fields : [];
  const childrenAt = flat.refs(children.map((child) => fieldOf(flat, child)));
  const typeAt = typeOf(flat, type);
  const nameAt = flat.text(name);
  const id = TYPE_IDS[type.kind];
  return flat.table([
    flatRef(nameAt),
    flatByte(nullable ? 1 : 0),
    flatByte(id),
    flatRef(typeAt),
    null,
    flatRef(childrenAt),
  ]);
}

function typeOf(flat: FlatWriter, type: ArrowType): FlatOffset {
  if (type.kind === 'whole') return flat.table([flatInt(64), flatByte(1)]);
  if (type.kind === 'time') {
    const zone = flat.text('UTC');
    return flat.table([flatShort(MICROSECONDS), flatRef(zone)]);
  }
  return flat.table([]);
}

/** Adds the nodes and buffers of a column and of those inside it, in the order of the format. */
function addColumn(
  type: ArrowType,
  values: readonly ArrowValue[],
  nodes: [number, number][],
  buffers: Uint8Array[],
): void {
  const nulls = values.reduce((sum: number, value) => (value === null ? sum + 1 : sum), 0);
  nodes.push([values.length, nulls]);
  buffers.push(nulls === 0 ? new Uint8Array(0) : bitsOf(values, (value) => value !== null));
  switch (type.kind) {
    case 'flag':
      buffers.push(bitsOf(values, (value) => value === true));
      break;
    case 'whole':
    case 'time': {
      const numbers = BigInt64Array.from(values, (value) => BigInt(typeof value === 'number' ? value : 0));
      buffers.push(new Uint8Array(numbers.buffer));
      break;
    }
    case 'text':
      buffers.push(...textsOf(values));
      break;
    case 'list': {
      const offsets = new Int32Array(values.length + 1);
      const all: ArrowValue[] = [];
      values.forEach((value, i) => {
        if (Array.isArray(value)) for (const item of value) all.push(item);
        offsets[i + 1] = all.length;
      });
      buffers.push(new Uint8Array(offsets.buffer));
      addColumn(type.of.type, all, nodes, buffers);
      break;
    }
    case 'struct':
      for (const { name, type: inner } of type.fields) {
        const column = values.map((value) => (value as { readonly [name: string]: ArrowValue } | null)?.[name] ?? null);
        addColumn(inner, column, nodes, buffers);
      }
      break;
  }
}

function bitsOf(values: readonly ArrowValue[], is: (value: ArrowValue) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  values.forEach((value, i) => {
    if (is(value)) bits[i >> 3]! |= 1 << (i & 7);
  });
  return bits;
}

function textsOf(values: readonly ArrowValue[]): [offsets: Uint8Array, bytes: Uint8Array] {
  let most = 0;
  for (const value of values) if (typeof value === 'string') most += value.length * 3;
  const bytes = new Uint8Array(most);
  const offsets = new Int32Array(values.length + 1);
  let used = 0;
  values.forEach((value, i) => {
    if (typeof value === 'string') used += encodeUtf8Into(value, bytes.subarray(used));
    offsets[i + 1] = used;
  });
  return [new Uint8Array(offsets.buffer), bytes.subarray(0, used)];
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}

function withPadding(bytes: Uint8Array): Uint8Array {
  if (bytes.length % 8 === 0) return bytes;
  const whole = new Uint8Array(padded(bytes.length));
  whole.set(bytes);
  return whole;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
