import type { DebugUnit, DebugValue } from '../../model/debug.ts';
import {
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatName,
  formatPercent,
  formatRate,
  formatShort,
  UNKNOWN,
} from '../format.ts';

/** Units whose values stand at the right of their column. */
export function isNumeric(unit: DebugUnit): boolean {
  return unit !== 'text' && unit !== 'key' && unit !== 'time';
}

/** A value as people read it. `now`, seconds since epoch, decides whether a time needs its date. */
export function formatValue(value: DebugValue, unit: DebugUnit, now: number): string {
  if (value === null) return UNKNOWN;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return unit === 'key' ? formatName(value) : value;
  switch (unit) {
    case 'bytes':
      return formatBytes(value);
    case 'bytes/s':
      return formatRate(value);
    case 'seconds':
      return formatDuration(value);
    case 'time':
      return formatTime(value, now);
    case 'share':
      return formatPercent(value * 100);
    case 'percent':
      return formatPercent(value);
    case 'rate':
      return `${formatShort(value)}/s`;
    case 'count':
      return Number.isInteger(value) ? formatCount(value) : formatShort(value);
    case 'text':
    case 'key':
      return String(value);
  }
}

const DATE = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** `12:41:09.250`, on another day `12 Mar 2026, 12:41:09`. */
function formatTime(seconds: number, now: number): string {
  if (!(seconds > 0) || seconds > 1e11) return UNKNOWN;
  if (Math.abs(now - seconds) < 86_400 / 2) return formatClock(seconds, 3);
  return `${DATE.format(seconds * 1000)}, ${formatClock(seconds)}`;
}

/** One line of a text that may have many: what a table's row has room for. */
export function firstLine(text: string): string {
  const line = /[^\n]*/.exec(text.trimStart())![0].trimEnd();
  return line.length < text.trim().length ? `${line} …` : line;
}

export interface Sorting {
  readonly column: number;
  readonly descending: boolean;
}

/** What a click on a column's title makes of the order: numbers largest first, text from A, then the other way round, then as it came. */
export function nextSorting(before: Sorting | null, column: number, unit: DebugUnit): Sorting | null {
  const first = isNumeric(unit) || unit === 'time';
  if (before?.column !== column) return { column, descending: first };
  return before.descending === first ? { column, descending: !first } : null;
}

const COLLATOR = new Intl.Collator('en', { numeric: true });

/** Rows in the wanted order; equals stay as they came, what is not known stands last in either direction. */
export function sortRows<T extends readonly DebugValue[]>(rows: readonly T[], sorting: Sorting | null): readonly T[] {
  if (sorting === null) return rows;
  const { column, descending } = sorting;
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [a[column] ?? null, b[column] ?? null];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    if (typeof x === 'string' || typeof y === 'string') return sign * COLLATOR.compare(String(x), String(y));
    return sign * (Number(x) - Number(y));
  });
}
