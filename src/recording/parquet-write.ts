import { gzipSync } from 'node:zlib';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import type { FinishedColumns, StringTableName } from '../model/source-event.ts';
import { ACTIONS, RECORD_STATUSES } from '../model/task-state.ts';
import { toMicros } from '../model/units.ts';

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
  { name: 'schema', num_children: 14 },
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
];

/** A row group is what a reader holds at once. */
export const ROWS_A_GROUP = 32_768;

/**
 * One Parquet file of finished tasks, one row each in the order in which they came. `summary` goes into its footer under the key
 * `taskglass`.
 */
export function writeTasks(
  parts: readonly FinishedColumns[],
  textOf: (table: StringTableName, index: number) => string,
  summary: string,
): Uint8Array {
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
  let at = 0;
  for (const part of parts) {
    let slice = 0;
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
  const writer = new ByteWriter();
  const data = { key, name, group, worker, thread, status, start, stop, nbytes, type, startstops };
  const times = { encoding: 'DELTA_BINARY_PACKED' } as const;
  parquetWrite({
    writer,
    schema: SCHEMA,
    columnData: Object.entries({ ...data, exception, traceback, past }).map(([column, values]) => ({
      name: column,
      data: values,
      ...(column === 'start' || column === 'stop' ? times : {}),
      // Keys of one function share their beginning with the one before.
      ...(column === 'key' ? { encoding: 'DELTA_BYTE_ARRAY' as const } : {}),
    })),
    codec: 'GZIP',
    compressors: { GZIP: (bytes) => gzipSync(bytes) },
    rowGroupSize: ROWS_A_GROUP,
    kvMetadata: [{ key: 'taskglass', value: summary }],
    createdBy: 'taskglass',
  });
  return writer.getBytes();
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
