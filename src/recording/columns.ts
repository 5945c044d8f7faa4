import { makeColumns } from '../model/finished-columns.ts';
import type { FinishedColumns, TaskError } from '../model/source-event.ts';

/** The numeric columns with one value a task, and those with one a startstop. */
export const TASK_COLUMNS = ['fn', 'group', 'worker', 'type', 'thread', 'nbytes', 'status', 'startstops'] as const;
export const SLICE_COLUMNS = ['action', 'start', 'stop', 'origin'] as const;

/** One after another. All are past, or none is. */
export function joinColumns(parts: readonly FinishedColumns[]): FinishedColumns {
  if (parts.length === 1) return parts[0]!;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const slices = parts.reduce((sum, part) => sum + part.action.length, 0);
  const joined = makeColumns(length, slices, parts[0]?.past ?? false);
  let row = 0;
  let slice = 0;
  for (const part of parts) {
    for (const name of TASK_COLUMNS) joined[name].set(part[name], row);
    for (const name of SLICE_COLUMNS) joined[name].set(part[name], slice);
    for (let i = 0; i < part.length; i++) joined.keys[row + i] = part.keys[i]!;
    for (const [i, error] of part.errors) joined.errors.set(row + i, error);
    row += part.length;
    slice += part.action.length;
  }
  return joined;
}

/** Rows [from, to), whose startstops are [firstSlice, firstSlice + …). */
export function sliceColumns(columns: FinishedColumns, from: number, to: number, firstSlice: number): FinishedColumns {
  let slices = 0;
  for (let row = from; row < to; row++) slices += columns.startstops[row]!;
  const errors = new Map<number, TaskError>();
  for (const [row, error] of columns.errors) if (row >= from && row < to) errors.set(row - from, error);
  const part = makeColumns(0, 0, columns.past);
  part.length = to - from;
  part.keys = columns.keys.slice(from, to);
  part.errors = errors;
  for (const name of TASK_COLUMNS) part[name] = columns[name].slice(from, to) as never;
  for (const name of SLICE_COLUMNS) part[name] = columns[name].slice(firstSlice, firstSlice + slices) as never;
  return part;
}

/** The rows that `keep` says, which is asked in order. */
export function keepRows(columns: FinishedColumns, keep: (row: number) => boolean): FinishedColumns {
  const parts: FinishedColumns[] = [];
  let slice = 0;
  for (let row = 0; row < columns.length; row++) {
    if (keep(row)) parts.push(sliceColumns(columns, row, row + 1, slice));
    slice += columns.startstops[row]!;
  }
  return parts.length === 0 ? makeColumns(0, 0, columns.past) : joinColumns(parts);
}
