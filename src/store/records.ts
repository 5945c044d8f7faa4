import { PackedColumn } from '../base/packed-column.ts';
import type { TaskError } from '../model/source-event.ts';
import { STATUS_ERRED, STATUS_LOST } from '../model/task-state.ts';
import type { Bytes, Micros, RecordIndex, StringIndex } from '../model/units.ts';
import { KeyColumn } from './key-column.ts';

/** Error texts kept; older ones are dropped, their records stay. */
const ERRORS_KEPT = 10_000;

export interface RecordRow {
  readonly key: string;
  readonly fn: number;
  readonly group: number;
  readonly worker: number;
  readonly track: number;
  readonly type: number;
  readonly status: number;
  readonly past: boolean;
  readonly nbytes: Bytes;
  /** First start and last stop among its startstops. */
  readonly start: Micros;
  readonly stop: Micros;
}

/** Finished executions, one row each in the order of arrival. A record's id is its row. */
export class Records {
  readonly keys: KeyColumn;
  readonly fn = new PackedColumn(16);
  readonly group = new PackedColumn(16);
  readonly worker = new PackedColumn(16);
  readonly track = new PackedColumn(16);
  readonly type = new PackedColumn(8);
  readonly status = new PackedColumn(8);
  readonly past = new PackedColumn(8);
  readonly nbytes = new PackedColumn(32);
  readonly start = new PackedColumn(32, true);
  readonly stop = new PackedColumn(32, true);
  readonly #errors = new Map<RecordIndex, TaskError>();
  #lost = 0;
  #past = 0;
  #erred = 0;

  readonly #groupName: (group: StringIndex) => string;

  /** `groupName` gives the name of a group, which is part of most keys. */
  constructor(groupName: (group: StringIndex) => string) {
    this.#groupName = groupName;
    this.keys = new KeyColumn((record) => groupName(this.group.at(record)));
  }

  get length(): number {
    return this.fn.length;
  }

  /** Bytes taken by keys and by all other columns. */
  get bytes(): { readonly keys: number; readonly columns: number } {
    const { fn, group, worker, track, type, status, past, nbytes, start, stop } = this;
    const columns = [fn, group, worker, track, type, status, past, nbytes, start, stop];
    return { keys: this.keys.bytes, columns: columns.reduce((sum, column) => sum + column.bytes, 0) };
  }

  /** Records that finished: all but the lost ones. */
  get finished(): number {
    return this.length - this.#lost;
  }

  /** Records that finished while the source was attached. */
  get witnessed(): number {
    return this.finished - this.#past;
  }

  get erred(): number {
    return this.#erred;
  }

  push(row: RecordRow): RecordIndex {
    const record = this.length;
    this.keys.push(row.key, this.#groupName(row.group));
    this.fn.push(row.fn);
    this.group.push(row.group);
    this.worker.push(row.worker);
    this.track.push(row.track);
    this.type.push(row.type);
    this.status.push(row.status);
    this.past.push(row.past ? 1 : 0);
    this.nbytes.push(row.nbytes);
    this.start.push(row.start);
    this.stop.push(row.stop);
    if (row.past) this.#past++;
    if (row.status === STATUS_LOST) this.#lost++;
    if (row.status === STATUS_ERRED) this.#erred++;
    return record;
  }

  setError(record: RecordIndex, error: TaskError): void {
    this.#errors.set(record, error);
    if (this.#errors.size > ERRORS_KEPT) this.#errors.delete(this.#errors.keys().next().value!);
  }

  error(record: RecordIndex): TaskError | undefined {
    return this.#errors.get(record);
  }
}
