import type { RecordStatus } from '../../model/task-state.ts';
import { formatDuration, formatName } from '../format.ts';
import type { TaskFilter } from './tasks-state.ts';

/** One part of a filter. */
interface Chip {
  readonly kind: string;
  readonly value: string;
  readonly without: Partial<TaskFilter>;
}

export const KINDS = [
  'function',
  'worker',
  'status',
  'longer than',
  'shorter than',
  'key contains',
  'key matches',
] as const;
export type Kind = (typeof KINDS)[number];
export const STATUSES: readonly RecordStatus[] = ['memory', 'erred', 'lost'];

/** What choosing a value changes; null: that is no value. */
export function partOf(filter: TaskFilter, kind: Kind, value: string): Partial<TaskFilter> | null {
  if (value === '') return null;
  switch (kind) {
    case 'function':
      return { functions: [...new Set([...filter.functions, value])] };
    case 'worker':
      return { workers: [...new Set([...filter.workers, value])] };
    case 'status': {
      const status = STATUSES.find((one) => one === value);
      return status === undefined ? null : { status };
    }
    case 'key contains':
      return { key: value, pattern: false };
    case 'key matches':
      return { key: value, pattern: true };
    default: {
      const seconds = Number(value.replace(/\s*s$/, ''));
      if (!(seconds >= 0 && seconds < 1e9)) return null;
      const rounded = Math.round(seconds * 1e9) / 1e9;
      return kind === 'longer than' ? { least: rounded } : { most: rounded };
    }
  }
}

export function chipsOf(filter: TaskFilter): Chip[] {
  const { functions, workers, status, least, most, key, pattern } = filter;
  const without = (list: readonly string[], value: string): string[] => list.filter((other) => other !== value);
  const chips: Chip[] = [];
  for (const name of functions)
    chips.push({ kind: 'function', value: formatName(name), without: { functions: without(functions, name) } });
  for (const worker of workers)
    chips.push({ kind: 'worker', value: worker, without: { workers: without(workers, worker) } });
  if (status !== null) chips.push({ kind: 'status', value: status, without: { status: null } });
  if (least !== null) chips.push({ kind: 'longer than', value: formatDuration(least), without: { least: null } });
  if (most !== null) chips.push({ kind: 'shorter than', value: formatDuration(most), without: { most: null } });
  const keyKind = pattern ? 'key matches' : 'key contains';
  if (key !== '') chips.push({ kind: keyKind, value: key, without: { key: '', pattern: false } });
  return chips;
}
