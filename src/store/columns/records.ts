import type { TaskError } from '../../model/source-event.ts';
import { STATUS_ERRED, STATUS_LOST } from '../../model/task-state.ts';
import type { Bytes, Micros, RecordIndex, StringIndex } from '../../model/units.ts';
import { PackedColumn, type PackedColumnOptions } from '../paging/packed-column.ts';
import { Pager } from '../paging/pager.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';
import { KeyColumn } from './key-column.ts';
import { LinkColumn } from './link-column.ts';
import { RecordErrors } from './record-errors.ts';
import { ToldRows } from './told-rows.ts';

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
  /** When its dependencies were there; null where that is not known. */
  readonly ready: Micros | null;
  /** How many tasks it depended on; 0 where that is not known. */
  readonly needs: number;
  /** How many told rows before it those of them are that are known. */
  readonly back: readonly number[];
}

/** What a lost task waited for: nobody knows. */
export const NO_LINKS = { ready: null, needs: 0, back: [] } as const satisfies Partial<RecordRow>;

/** Finished executions, one row each in the order of arrival. A record's id is its row. */
export class Records {
  readonly keys: KeyColumn;
  readonly fn: PackedColumn;
  readonly group: PackedColumn;
  readonly worker: PackedColumn;
  readonly track: PackedColumn;
  readonly type: PackedColumn;
  readonly status: PackedColumn;
  readonly past: PackedColumn;
  readonly nbytes: PackedColumn;
  readonly start: PackedColumn;
  readonly stop: PackedColumn;
  /** Between ready and start, plus 1; 0: not known. */
  readonly #wait: PackedColumn;
  readonly needs: PackedColumn;
  readonly dependencies: LinkColumn;
  readonly #columns: PackedColumn[] = [];
  readonly #told = new ToldRows();
  readonly errors: RecordErrors;
  #dropped = 0;
  #lost = 0;
  #past = 0;
  #erred = 0;

  readonly #groupName: (group: StringIndex) => string;

  /** `groupName` gives the name of a group, which is part of most keys. */
  constructor(groupName: (group: StringIndex) => string, pager = new Pager()) {
    const column = (...[bits, options]: [8 | 16 | 32, PackedColumnOptions?]): PackedColumn => {
      const made = new PackedColumn(bits, pager, options);
      this.#columns.push(made);
      return made;
    };
    this.#groupName = groupName;
    this.fn = column(16);
    this.group = column(16);
    this.keys = new KeyColumn(this.group, groupName, pager);
    this.worker = column(16);
    this.track = column(16);
    this.type = column(8);
    // What was given up is in no list of what finished.
    this.status = column(8, { lost: STATUS_LOST });
    this.past = column(8);
    this.nbytes = column(32);
    this.start = column(32, { relative: true });
    this.stop = column(32, { relative: true });
    this.#wait = column(32);
    this.needs = column(8);
    this.dependencies = new LinkColumn(pager);
    this.errors = new RecordErrors(pager);
  }

  get length(): number {
    return this.fn.length;
  }

  /** Bytes taken by keys and by all other columns. */
  get bytes(): { readonly keys: number; readonly columns: number } {
    const columns = [...this.#columns, this.dependencies];
    return { keys: this.keys.bytes, columns: columns.reduce((sum, column) => sum + column.bytes, 0) };
  }

  /** Records before this one were given up. */
  get dropped(): RecordIndex {
    return this.#dropped;
  }

  /** Gives up the oldest records, some ten thousand; false when there are none to give up. */
  dropOldest(): boolean {
    const end = this.#dropped + this.fn.rowsOfChunk;
    if (end > this.length) return false;
    this.#dropped = end;
    for (const column of this.#columns) column.drop(end);
    this.dependencies.drop(end);
    this.keys.drop(end);
    this.errors.drop(end);
    return true;
  }

  save(into: StateWriter): void {
    for (const column of this.#columns) column.save(into);
    this.dependencies.save(into);
    this.keys.save(into);
    this.#told.save(into);
    into.numbers([this.#lost, this.#past, this.#erred]);
    this.errors.save(into);
  }

  load(from: StateReader): void {
    for (const column of this.#columns) column.load(from);
    this.dependencies.load(from);
    this.keys.load(from);
    this.#told.load(from);
    const [lost = 0, past = 0, erred = 0] = from.numbers();
    this.#lost = lost;
    this.#past = past;
    this.#erred = erred;
    this.errors.load(from);
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
    // Clocks differ a little: nothing started before it was ready.
    this.#wait.push(row.ready === null ? 0 : Math.max(0, row.start - row.ready) + 1);
    this.needs.push(row.needs);
    this.dependencies.push(this.#dependencies(record, row));
    if (row.past) this.#past++;
    if (row.status === STATUS_LOST) this.#lost++;
    if (row.status === STATUS_ERRED) this.#erred++;
    return record;
  }

  /** When all that it depends on was there; null where that is not known. Never after its start. */
  ready(record: RecordIndex): Micros | null {
    const wait = this.#wait.at(record);
    return wait === 0 ? null : this.start.at(record) - (wait - 1);
  }

  #dependencies(record: RecordIndex, { status, past, back }: RecordRow): RecordIndex[] {
    if (past || status === STATUS_LOST) return [];
    this.#told.push(record);
    const found: RecordIndex[] = [];
    for (const rows of back) {
      const dependency = this.#told.back(rows);
      if (dependency !== undefined && dependency < record) found.push(dependency);
    }
    return found;
  }

  error(record: RecordIndex): TaskError | undefined {
    return this.status.at(record) === STATUS_ERRED ? this.errors.at(record) : undefined;
  }
}
