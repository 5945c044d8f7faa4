import { crc32, gunzipSync } from 'node:zlib';
import { type FileMetaData, parquetMetadata, parquetRead, type SubColumnData } from 'hyparquet';
import { makeColumns, type WritableColumns } from '../../model/finished-columns.ts';
import type { FinishedColumns, StringTableName } from '../../model/source-event.ts';
import { ACTION_INDEX, type Action, RECORD_STATUSES, type RecordStatus } from '../../model/task-state.ts';
import { MICROS_PER_SECOND } from '../../model/units.ts';
import { checkLinks, RecordingError } from './event-decoder.ts';

type Values = ArrayLike<unknown>;

/** No page of ours unpacks to more. */
const MOST_PAGE = 64 * 1024 * 1024;

/** A Parquet file of finished tasks, read a row group at a time. */
export class TasksReader {
  readonly #bytes: Buffer;
  readonly #metadata: FileMetaData;

  /** `footer`: where the file's own may be damaged. Throws {@link RecordingError} for what is none. */
  constructor(bytes: Buffer, footer: Buffer) {
    this.#bytes = bytes;
    try {
      this.#metadata = parquetMetadata(new Uint8Array(footer).buffer);
    } catch {
      throw new RecordingError('no footer of a Parquet file');
    }
  }

  get groups(): number {
    return this.#metadata.row_groups.length;
  }

  /** The bytes [from, to) of the file that a row group is read from. */
  extent(group: number): { readonly from: number; readonly to: number; readonly rows: number } {
    const { columns, num_rows } = this.#metadata.row_groups[group]!;
    const ends = columns.map(({ meta_data }) => {
      const from = Number(meta_data?.dictionary_page_offset ?? meta_data?.data_page_offset ?? 0);
      return [from, from + Number(meta_data?.total_compressed_size ?? 0)] as const;
    });
    return {
      from: Math.min(...ends.map(([from]) => from)),
      to: Math.max(...ends.map(([, to]) => to)),
      rows: Number(num_rows),
    };
  }

  /** CRC-32 of each row group. */
  checksums(): number[] {
    return Array.from({ length: this.groups }, (_, group) => {
      const { from, to } = this.extent(group);
      return crc32(this.#bytes.subarray(from, to));
    });
  }

  /** @throws RecordingError */
  async read(group: number, intern: (table: StringTableName, value: string) => number): Promise<FinishedColumns> {
    const rowStart = this.#metadata.row_groups.slice(0, group).reduce((sum, { num_rows }) => sum + Number(num_rows), 0);
    const rowEnd = rowStart + this.extent(group).rows;
    const bytes = this.#bytes;
    const columns = new Map<string, unknown[]>();
    const onPage = ({ pathInSchema, columnData }: SubColumnData): void => {
      const name = pathInSchema.filter((part) => part !== 'list' && part !== 'element').join('.');
      const known = columns.get(name);
      if (known === undefined) columns.set(name, Array.from(columnData as Values));
      else for (let i = 0; i < columnData.length; i++) known.push(columnData[i]);
    };
    let failed = false;
    try {
      await parquetRead({
        file: {
          byteLength: bytes.length,
          // Later than the reader needs to begin with every column, or to fail: a column that it had begun with by then would
          // otherwise fail with nobody to hear it, and that ends a process.
          slice: (from, to) =>
            new Promise((resolve) => {
              setImmediate(() => failed || resolve(new Uint8Array(bytes.subarray(from, to)).buffer));
            }),
        },
        metadata: this.#metadata,
        rowStart,
        rowEnd,
        compressors: { GZIP: (page) => gunzipSync(page, { maxOutputLength: MOST_PAGE }) },
        parsers: { timestampFromMicroseconds: Number },
        onPage,
      });
    } catch (error) {
      failed = true;
      throw new RecordingError(`tasks cannot be read (${error instanceof Error ? error.message : String(error)})`);
    }
    return assemble(columns, rowEnd - rowStart, intern);
  }
}

function assemble(
  columns: ReadonlyMap<string, unknown[]>,
  rows: number,
  intern: (table: StringTableName, value: string) => number,
): FinishedColumns {
  const column = (name: string): unknown[] => {
    const values = columns.get(name);
    if (values?.length !== rows) throw new RecordingError(`the column ${name} is not whole`);
    return values;
  };
  const lists = column('startstops.action') as unknown[][];
  const slices = lists.reduce((sum, list) => sum + list.length, 0);
  const made = makeColumns(rows, slices, false);
  const interned = (name: string, table: StringTableName, into: Uint32Array): void => {
    const seen = new Map<unknown, number>([[null, 0]]);
    column(name).forEach((value, row) => {
      let index = seen.get(value);
      if (index === undefined) {
        index = intern(table, textOf(value));
        seen.set(value, index);
      }
      into[row] = index;
    });
  };
  interned('name', 'function', made.fn);
  interned('group', 'group', made.group);
  interned('worker', 'worker', made.worker);
  interned('type', 'type', made.type);
  made.keys = column('key').map(textOf);
  column('thread').forEach((value, row) => {
    made.thread[row] = Number(value);
  });
  column('nbytes').forEach((value, row) => {
    made.nbytes[row] = value === null || value === undefined ? Number.NaN : Number(value);
  });
  column('status').forEach((value, row) => {
    const status = RECORD_STATUSES.indexOf(value as RecordStatus);
    if (status === -1) throw new RecordingError('an unknown status');
    made.status[row] = status;
  });
  const exceptions = column('exception');
  const tracebacks = column('traceback');
  exceptions.forEach((exception, row) => {
    if (typeof exception !== 'string') return;
    made.errors.set(row, { exception, traceback: textOf(tracebacks[row]) });
  });
  startstops(made, columns, lists, intern);
  if (columns.has('ready')) links(made, column('ready'), column('needs'), column('dependencies') as unknown[][]);
  return made;
}

/** Files of an earlier make do not say what a task waited for. */
function links(
  made: WritableColumns,
  ready: readonly unknown[],
  needs: readonly unknown[],
  dependencies: readonly unknown[][],
): void {
  made.back = new Uint32Array(dependencies.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (let row = 0; row < made.length; row++) {
    const time = ready[row];
    if (time !== null && time !== undefined) made.ready[row] = Number(time) / MICROS_PER_SECOND;
    made.needs[row] = Number(needs[row]);
    const list = dependencies[row]!;
    made.dependencies[row] = list.length;
    for (const rows of list) made.back[at++] = Number(rows);
  }
  checkLinks(made);
}

function startstops(
  made: WritableColumns,
  columns: ReadonlyMap<string, unknown[]>,
  actions: readonly unknown[][],
  intern: (table: StringTableName, value: string) => number,
): void {
  const lists = (name: string): unknown[][] => {
    const values = columns.get(name);
    if (values?.length !== made.length) throw new RecordingError(`the column ${name} is not whole`);
    return values as unknown[][];
  };
  const starts = lists('startstops.start');
  const stops = lists('startstops.stop');
  const sources = lists('startstops.source');
  let at = 0;
  for (let row = 0; row < made.length; row++) {
    const list = actions[row]!;
    made.startstops[row] = list.length;
    for (let i = 0; i < list.length; i++, at++) {
      const action = ACTION_INDEX[list[i] as Action];
      if (action === undefined) throw new RecordingError('an unknown action');
      made.action[at] = action;
      made.start[at] = Number(starts[row]![i]) / MICROS_PER_SECOND;
      made.stop[at] = Number(stops[row]![i]) / MICROS_PER_SECOND;
      const source = sources[row]![i];
      made.origin[at] = typeof source === 'string' ? intern('worker', source) : 0;
    }
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
