import { ByteWriter } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import type { FinishedColumns } from '../../model/source-event.ts';
import { ACTIONS, RECORD_STATUSES } from '../../model/task-state.ts';
import { toMicros } from '../../model/units.ts';
import type { Tables } from '../export/tables.ts';
import { ROWS_A_GROUP } from './footer.ts';
import { SCHEMA, schemaPaths } from './schema.ts';
import { type ChunkValues, type Way, writeChunk } from './write-chunk.ts';

const MAGIC = 0x31524150;

/** A Parquet file, and what its reader needs of its end. */
interface TasksFile {
  readonly bytes: Buffer;
  readonly footer: Buffer;
}

/** One Parquet file of finished tasks; `summary` goes into its footer under the key `taskglass`. */
export function writeTasks(parts: readonly FinishedColumns[], textOf: Tables['textOf'], summary: string): TasksFile {
  const writer = new TasksWriter(textOf, summary);
  const bytes = Buffer.concat([writer.add(parts), writer.finish()]);
  return { bytes, footer: writer.footer() };
}

/** Writes a Parquet file of finished tasks piece by piece: one row each, in the order in which they come. */
export class TasksWriter {
  readonly #texts: TextOf;
  readonly #summary: string | undefined;
  readonly #bytes = new ByteWriter();
  readonly #groups: Parameters<typeof writeMetadata>[1]['row_groups'] = [];
  #group: RowGroup;

  constructor(textOf: Tables['textOf'], summary?: string) {
    this.#texts = utf8(textOf);
    this.#summary = summary;
    this.#group = new RowGroup(this.#texts);
    this.#bytes.appendUint32(MAGIC);
  }

  /** The next bytes of the file: those of the row groups that are full. */
  add(parts: readonly FinishedColumns[]): Buffer {
    for (const part of parts) {
      const place = { slice: 0, link: 0 };
      for (let row = 0; row < part.length; row++) {
        this.#group.add(part, row, place);
        if (this.#group.rows === ROWS_A_GROUP) this.#write();
      }
    }
    return this.#take();
  }

  /** The last bytes of the file. */
  finish(): Buffer {
    if (this.#group.rows > 0) this.#write();
    this.#end(this.#bytes, this.#summary);
    return this.#take();
  }

  /** The end of a file that is finished once more, without the summary. */
  footer(): Buffer {
    const bytes = new ByteWriter();
    this.#end(bytes, undefined);
    return Buffer.from(bytes.getBuffer());
  }

  #end(bytes: ByteWriter, summary: string | undefined): void {
    const metadata = {
      version: 2,
      created_by: 'taskglass',
      schema: SCHEMA,
      num_rows: this.#groups.reduce((sum, { num_rows }) => sum + num_rows, 0n),
      row_groups: this.#groups,
      ...(summary !== undefined && { key_value_metadata: [{ key: 'taskglass', value: summary }] }),
    };
    // Its length is written behind it.
    writeMetadata(bytes, metadata as typeof metadata & { metadata_length: number });
    bytes.appendUint32(MAGIC);
  }

  #write(): void {
    const { rows, columns } = this.#group;
    this.#group = new RowGroup(this.#texts);
    const from = this.#bytes.offset;
    const chunks = PATHS.map(({ name, path }) => writeChunk(this.#bytes, path, columns[name], WAYS[name]));
    this.#groups.push({
      columns: chunks,
      total_byte_size: chunks.reduce((sum, { meta_data }) => sum + meta_data.total_uncompressed_size, 0n),
      num_rows: BigInt(rows),
      total_compressed_size: BigInt(this.#bytes.offset - from),
    });
  }

  #take(): Buffer {
    const bytes = Buffer.from(this.#bytes.getBuffer());
    this.#bytes.index = 0;
    return bytes;
  }
}

/**
 * Keys are told whole: gzip finds what they share with any of the last thousand. Times are close to one another. Of threads and
 * sizes it depends on the cluster whether they are few.
 */
const WAYS = {
  key: ['plain'],
  name: ['words'],
  group: ['words'],
  worker: ['words'],
  thread: ['words', 'deltas'],
  status: ['words'],
  start: ['deltas'],
  stop: ['deltas'],
  nbytes: ['words', 'deltas'],
  type: ['words'],
  'startstops.action': ['words'],
  'startstops.start': ['deltas'],
  'startstops.stop': ['deltas'],
  'startstops.source': ['words'],
  exception: ['words'],
  traceback: ['words'],
  past: ['plain'],
  ready: ['deltas'],
  needs: ['words', 'deltas'],
  dependencies: ['deltas'],
} as const satisfies Readonly<Record<string, readonly Way[]>>;

type ColumnName = keyof typeof WAYS;

const PATHS = schemaPaths().map((path) => {
  const parts = path.slice(1).map(({ name }) => name);
  return { name: parts.filter((part) => part !== 'list' && part !== 'element').join('.') as ColumnName, path };
});

type TextOf = (...args: Parameters<Tables['textOf']>) => Uint8Array;

class Leaf<T extends bigint | Uint8Array | boolean> implements ChunkValues {
  readonly values: (T | null)[] = [];
  readonly definition: number[] = [];
  readonly repetition: number[] = [];

  /** Of a column in which there is always a value. */
  add(value: T): void {
    this.values.push(value);
  }

  addMaybe(value: T | null): void {
    this.values.push(value);
    this.definition.push(value === null ? 0 : 1);
  }

  /** The value number `at` of a list; level 0 and no value: nothing is in it. */
  addToList(at: number, value: T | null, level: number): void {
    this.values.push(value);
    this.definition.push(level);
    this.repetition.push(at === 0 ? 0 : 1);
  }
}

class RowGroup {
  rows = 0;
  readonly #textOf: TextOf;
  readonly columns = {
    key: new Leaf<Uint8Array>(),
    name: new Leaf<Uint8Array>(),
    group: new Leaf<Uint8Array>(),
    worker: new Leaf<Uint8Array>(),
    thread: new Leaf<bigint>(),
    status: new Leaf<Uint8Array>(),
    start: new Leaf<bigint>(),
    stop: new Leaf<bigint>(),
    nbytes: new Leaf<bigint>(),
    type: new Leaf<Uint8Array>(),
    'startstops.action': new Leaf<Uint8Array>(),
    'startstops.start': new Leaf<bigint>(),
    'startstops.stop': new Leaf<bigint>(),
    'startstops.source': new Leaf<Uint8Array>(),
    exception: new Leaf<Uint8Array>(),
    traceback: new Leaf<Uint8Array>(),
    past: new Leaf<boolean>(),
    ready: new Leaf<bigint>(),
    needs: new Leaf<bigint>(),
    dependencies: new Leaf<bigint>(),
  };

  constructor(textOf: TextOf) {
    this.#textOf = textOf;
  }

  /** A row whose startstops and dependencies begin at `place`, which is moved on. */
  add(part: FinishedColumns, row: number, place: { slice: number; link: number }): void {
    const { columns } = this;
    const textOf = this.#textOf;
    this.rows++;
    columns.key.add(Buffer.from(part.keys[row]!));
    columns.name.add(textOf('function', part.fn[row]!));
    columns.group.add(textOf('group', part.group[row]!));
    columns.worker.add(textOf('worker', part.worker[row]!));
    columns.type.add(textOf('type', part.type[row]!));
    columns.status.add(STATUSES[part.status[row]!]!);
    columns.thread.add(whole(part.thread[row]!) ?? 0n);
    columns.nbytes.addMaybe(whole(part.nbytes[row]!));
    columns.past.add(part.past);
    const ready = micros(part.ready[row]!);
    columns.ready.addMaybe(ready === 0n ? null : ready);
    columns.needs.add(BigInt(part.needs[row]!));
    const error = part.errors.get(row);
    columns.exception.addMaybe(error === undefined ? null : Buffer.from(error.exception));
    columns.traceback.addMaybe(error === undefined ? null : Buffer.from(error.traceback));
    this.#startstops(part, place.slice, part.startstops[row]!);
    place.slice += part.startstops[row]!;
    const links = part.dependencies[row]!;
    for (let i = 0; i < links; i++) columns.dependencies.addToList(i, BigInt(part.back[place.link + i]!), 1);
    if (links === 0) columns.dependencies.addToList(0, null, 0);
    place.link += links;
  }

  #startstops(part: FinishedColumns, first: number, count: number): void {
    const { columns } = this;
    let [start, stop]: [bigint | null, bigint | null] = [null, null];
    for (let i = 0; i < count; i++) {
      const began = micros(part.start[first + i]!);
      const ended = micros(part.stop[first + i]!);
      const origin = part.origin[first + i]!;
      if (start === null || began < start) start = began;
      if (stop === null || ended > stop) stop = ended;
      columns['startstops.action'].addToList(i, ACTION_TEXTS[part.action[first + i]!]!, 1);
      columns['startstops.start'].addToList(i, began, 1);
      columns['startstops.stop'].addToList(i, ended, 1);
      if (origin === 0) columns['startstops.source'].addToList(i, null, 1);
      else columns['startstops.source'].addToList(i, this.#textOf('worker', origin), 2);
    }
    columns.start.addMaybe(start);
    columns.stop.addMaybe(stop);
    if (count > 0) return;
    for (const name of ['action', 'start', 'stop', 'source'] as const) {
      columns[`startstops.${name}`].addToList(0, null, 0);
    }
  }
}

const STATUSES = RECORD_STATUSES.map((status) => Buffer.from(status));
const ACTION_TEXTS = ACTIONS.map((action) => Buffer.from(action));

/** Each text once. */
function utf8(textOf: Tables['textOf']): TextOf {
  const known = { function: [], group: [], worker: [], type: [] } as Record<Parameters<TextOf>[0], Uint8Array[]>;
  return (table, index) => {
    known[table][index] ??= Buffer.from(textOf(table, index));
    return known[table][index];
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
