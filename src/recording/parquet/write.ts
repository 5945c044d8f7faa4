import { gzipSync } from 'node:zlib';
import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { FinishedColumns } from '../../model/source-event.ts';
import { ACTIONS, RECORD_STATUSES } from '../../model/task-state.ts';
import { toMicros } from '../../model/units.ts';
import type { Tables } from '../export/tables.ts';
import { ROWS_A_GROUP } from './footer.ts';

const required = { repetition_type: 'REQUIRED' } as const;
const optional = { repetition_type: 'OPTIONAL' } as const;
const textColumn = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
const wholeColumn = { type: 'INT64' } as const;
const timeColumn = {
  type: 'INT64',
  converted_type: 'TIMESTAMP_MICROS',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
} as const;

/** Dask's words, as in the HTTP API; times are UTC in whole microseconds. */
const SCHEMA: SchemaElement[] = [
  { name: 'schema', num_children: 17 },
  { name: 'key', ...textColumn, ...required },
  { name: 'name', ...textColumn, ...required },
  { name: 'group', ...textColumn, ...required },
  { name: 'worker', ...textColumn, ...required },
  { name: 'thread', ...wholeColumn, ...required },
  { name: 'status', ...textColumn, ...required },
  { name: 'start', ...timeColumn, ...optional },
  { name: 'stop', ...timeColumn, ...optional },
  { name: 'nbytes', ...wholeColumn, ...optional },
  { name: 'type', ...textColumn, ...required },
  { name: 'startstops', converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1, ...required },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', num_children: 4, ...required },
  { name: 'action', ...textColumn, ...required },
  { name: 'start', ...timeColumn, ...required },
  { name: 'stop', ...timeColumn, ...required },
  { name: 'source', ...textColumn, ...optional },
  { name: 'exception', ...textColumn, ...optional },
  { name: 'traceback', ...textColumn, ...optional },
  { name: 'past', type: 'BOOLEAN', ...required },
  { name: 'ready', ...timeColumn, ...optional },
  { name: 'needs', ...wholeColumn, ...required },
  { name: 'dependencies', converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1, ...required },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', ...wholeColumn, ...required },
];

/** One Parquet file of finished tasks; `summary` goes into its footer under the key `taskglass`. */
export function writeTasks(parts: readonly FinishedColumns[], textOf: Tables['textOf'], summary: string): Buffer {
  const writer = new TasksWriter(textOf, summary);
  return Buffer.concat([writer.add(parts), writer.finish()]);
}

/** Writes a Parquet file of finished tasks piece by piece: one row each, in the order in which they come. */
export class TasksWriter {
  readonly #textOf: Tables['textOf'];
  readonly #bytes = new ByteWriter();
  readonly #writer: ParquetWriter;

  constructor(textOf: Tables['textOf'], summary?: string) {
    this.#textOf = textOf;
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: SCHEMA,
      codec: 'GZIP',
      compressors: { GZIP: (bytes) => gzipSync(bytes) },
      createdBy: 'taskglass',
      ...(summary !== undefined && { kvMetadata: [{ key: 'taskglass', value: summary }] }),
    });
  }

  /** The next bytes of the file. */
  add(parts: readonly FinishedColumns[]): Buffer {
    const columnData = Object.entries(columnsOf(parts, this.#textOf)).map(([name, data]) => {
      const encoding = ENCODINGS[name];
      return { name, data, ...(encoding !== undefined && { encoding }) };
    });
    this.#writer.write({ columnData, rowGroupSize: ROWS_A_GROUP });
    return this.#take();
  }

  /** The last bytes of the file. */
  finish(): Buffer {
    this.#writer.finish();
    return this.#take();
  }

  #take(): Buffer {
    const bytes = Buffer.from(this.#bytes.getBuffer());
    this.#bytes.index = 0;
    return bytes;
  }
}

/** Keys of one function share their beginning with the one before; times are close to one another. */
const ENCODINGS: Readonly<Record<string, 'DELTA_BYTE_ARRAY' | 'DELTA_BINARY_PACKED'>> = {
  key: 'DELTA_BYTE_ARRAY',
  start: 'DELTA_BINARY_PACKED',
  stop: 'DELTA_BINARY_PACKED',
  ready: 'DELTA_BINARY_PACKED',
  dependencies: 'DELTA_BINARY_PACKED',
};

function columnsOf(parts: readonly FinishedColumns[], textOf: Tables['textOf']) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const texts = (): string[] => new Array<string>(length).fill('');
  const wholes = (): BigInt64Array => new BigInt64Array(length);
  const maybe = <T>(): (T | null)[] => new Array<T | null>(length).fill(null);
  const key = texts();
  const name = texts();
  const group = texts();
  const worker = texts();
  const type = texts();
  const status = texts();
  const thread = wholes();
  const start = maybe<bigint>();
  const stop = maybe<bigint>();
  const nbytes = maybe<bigint>();
  const startstops = new Array<object[]>(length);
  const exception = maybe<string>();
  const traceback = maybe<string>();
  const past = new Array<boolean>(length).fill(false);
  const ready = maybe<bigint>();
  const needs = wholes();
  const dependencies = new Array<bigint[]>(length);
  let at = 0;
  for (const part of parts) {
    let slice = 0;
    let link = 0;
    for (let row = 0; row < part.length; row++, at++) {
      key[at] = part.keys[row]!;
      name[at] = textOf('function', part.fn[row]!);
      group[at] = textOf('group', part.group[row]!);
      worker[at] = textOf('worker', part.worker[row]!);
      type[at] = textOf('type', part.type[row]!);
      status[at] = RECORD_STATUSES[part.status[row]!]!;
      thread[at] = whole(part.thread[row]!) ?? 0n;
      nbytes[at] = whole(part.nbytes[row]!);
      past[at] = part.past;
      const known = micros(part.ready[row]!);
      ready[at] = known === 0n ? null : known;
      needs[at] = BigInt(part.needs[row]!);
      const links = part.back.subarray(link, link + part.dependencies[row]!);
      link += links.length;
      dependencies[at] = Array.from(links, BigInt);
      const error = part.errors.get(row);
      if (error !== undefined) {
        exception[at] = error.exception;
        traceback[at] = error.traceback;
      }
      const list: object[] = [];
      for (const end = slice + part.startstops[row]!; slice < end; slice++) {
        const began = micros(part.start[slice]!);
        const ended = micros(part.stop[slice]!);
        if (start[at] === null || began < start[at]!) start[at] = began;
        if (stop[at] === null || ended > stop[at]!) stop[at] = ended;
        const origin = part.origin[slice]!;
        list.push({
          action: ACTIONS[part.action[slice]!]!,
          start: began,
          stop: ended,
          source: origin === 0 ? null : textOf('worker', origin),
        });
      }
      startstops[at] = list;
    }
  }
  return {
    key,
    name,
    group,
    worker,
    thread,
    status,
    start,
    stop,
    nbytes,
    type,
    startstops,
    exception,
    traceback,
    past,
    ready,
    needs,
    dependencies,
  };
}

/** Null for what is no whole number: not known. */
function whole(value: number): bigint | null {
  const rounded = Math.round(value);
  return Number.isSafeInteger(rounded) ? BigInt(rounded) : null;
}

/** A time that is none is 0, as it is for the store, which then takes the time of the tick. */
function micros(seconds: number): bigint {
  const value = toMicros(seconds);
  return value > 0 && Number.isSafeInteger(value) ? BigInt(value) : 0n;
}
