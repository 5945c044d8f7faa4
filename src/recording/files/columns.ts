import { Growable } from '../../base/growable.ts';
import { makeColumns, type WritableColumns } from '../../model/finished-columns.ts';
import type { FinishedColumns, TaskError } from '../../model/source-event.ts';

/** The numeric columns with one value a task, those with one a startstop, and those that say what it waited for, one a task. */
export const TASK_COLUMNS = ['fn', 'group', 'worker', 'type', 'thread', 'nbytes', 'status', 'startstops'] as const;
export const SLICE_COLUMNS = ['action', 'start', 'stop', 'origin'] as const;
export const LINK_COLUMNS = ['ready', 'needs', 'dependencies'] as const;

/** One after another, as they were told. All are past, or none is. */
export function joinColumns(parts: readonly FinishedColumns[]): FinishedColumns {
  if (parts.length === 1) return parts[0]!;
  const sum = (of: (part: FinishedColumns) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const joined = makeColumns(
    sum(({ length }) => length),
    sum(({ action }) => action.length),
    parts[0]?.past ?? false,
    sum(({ back }) => back.length),
  );
  let row = 0;
  let slice = 0;
  let link = 0;
  for (const part of parts) {
    for (const name of TASK_COLUMNS) joined[name].set(part[name], row);
    for (const name of LINK_COLUMNS) joined[name].set(part[name], row);
    for (const name of SLICE_COLUMNS) joined[name].set(part[name], slice);
    joined.back.set(part.back, link);
    for (let i = 0; i < part.length; i++) joined.keys[row + i] = part.keys[i]!;
    for (const [i, error] of part.errors) joined.errors.set(row + i, error);
    row += part.length;
    slice += part.action.length;
    link += part.back.length;
  }
  return joined;
}

/** Cuts columns into parts that follow one another; dependencies stay right, as rows of a part before count. */
export class ColumnCutter {
  readonly #columns: FinishedColumns;
  #row = 0;
  #slice = 0;
  #link = 0;

  constructor(columns: FinishedColumns) {
    this.#columns = columns;
  }

  /** Rows that are left. */
  get left(): number {
    return this.#columns.length - this.#row;
  }

  /** The next rows, as many as there are, at most `rows`. */
  next(rows: number): FinishedColumns {
    const { row: from, slice, link } = { row: this.#row, slice: this.#slice, link: this.#link };
    this.skip(rows);
    const to = this.#row;
    const columns = this.#columns;
    const errors = new Map<number, TaskError>();
    for (const [row, error] of columns.errors) if (row >= from && row < to) errors.set(row - from, error);
    const part: WritableColumns = { ...makeColumns(0, 0, columns.past), length: to - from, errors };
    part.keys = columns.keys.slice(from, to);
    for (const name of TASK_COLUMNS) part[name] = columns[name].slice(from, to) as never;
    for (const name of LINK_COLUMNS) part[name] = columns[name].slice(from, to) as never;
    for (const name of SLICE_COLUMNS) part[name] = columns[name].slice(slice, this.#slice) as never;
    part.back = columns.back.slice(link, this.#link);
    return part;
  }

  skip(rows: number): void {
    const to = Math.min(this.#columns.length, this.#row + rows);
    for (; this.#row < to; this.#row++) {
      this.#slice += this.#columns.startstops[this.#row]!;
      this.#link += this.#columns.dependencies[this.#row]!;
    }
  }
}

/** Leaves out rows of all that a source told. Dependencies on rows that are left out are left out too; the others stay right. */
export class RowFilter {
  /** Rows told, and which of them are kept: those of past columns do not count. */
  #told = 0;
  readonly #kept = new Growable(Uint32Array);

  /** The rows of the next columns that `keep` says, which is asked in order. */
  next(columns: FinishedColumns, keep: (row: number) => boolean): FinishedColumns {
    const cutter = new ColumnCutter(columns);
    const parts: FinishedColumns[] = [];
    for (let row = 0; row < columns.length; row++) {
      const kept = keep(row);
      if (!columns.past) this.#told++;
      if (!kept) {
        cutter.skip(1);
        continue;
      }
      const part = cutter.next(1);
      if (!columns.past) this.#kept.push(this.#told - 1);
      parts.push(columns.past ? part : withLinks(part, (_, back) => this.#keptBack(back)));
    }
    return parts.length === 0 ? makeColumns(0, 0, columns.past) : joinColumns(parts);
  }

  /** How many kept rows before the last one that row stands which was told so many rows before it. */
  #keptBack(back: number): number {
    const row = this.#told - 1 - back;
    const last = this.#kept.length - 1;
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#kept.at(middle) < row) low = middle + 1;
      else high = middle;
    }
    return this.#kept.at(low) === row ? last - low : 0;
  }
}

/** The same rows without dependencies that reach further back than `rows` rows before the first one: what stood there is not known. */
export function cutLinks(columns: FinishedColumns, rows: number): FinishedColumns {
  if (columns.back.every((back) => back <= rows)) return columns;
  return withLinks(columns, (row, back) => (back <= rows + row ? back : 0));
}

/** The same rows with other distances to their dependencies; 0: left out. */
function withLinks(columns: FinishedColumns, change: (row: number, back: number) => number): FinishedColumns {
  const dependencies = new Uint16Array(columns.length);
  const back = new Uint32Array(columns.back.length);
  let from = 0;
  let to = 0;
  for (let row = 0; row < columns.length; row++) {
    for (const end = from + columns.dependencies[row]!; from < end; from++) {
      const changed = change(row, columns.back[from]!);
      if (changed === 0) continue;
      back[to++] = changed;
      dependencies[row]!++;
    }
  }
  return { ...columns, dependencies, back: back.slice(0, to) };
}
