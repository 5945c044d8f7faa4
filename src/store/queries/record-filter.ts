import { RECORD_STATUSES, type RecordStatus, STATUS_LOST } from '../../model/task-state.ts';
import { type Duration, type RecordIndex, type Seconds, toMicros, toSeconds } from '../../model/units.ts';
import type { Running } from '../running.ts';
import type { Store } from '../store.ts';
import { type Effort, keyTest, type TextTest } from './key-search.ts';

/** Which records; what is absent or empty does not matter. */
export interface RecordFilter {
  /** Function, exactly; of several, any. */
  readonly name?: string | readonly string[] | undefined;
  /** Address or name of a worker; of several, any. */
  readonly worker?: string | readonly string[] | undefined;
  readonly since?: Seconds | undefined;
  readonly until?: Seconds | undefined;
  /** From the first start to the last stop. */
  readonly minDuration?: Duration | undefined;
  readonly maxDuration?: Duration | undefined;
  /** Numbers of rows; absent: all. */
  readonly tracks?: ReadonlySet<number> | undefined;
  /** Part of a key, or what to ask of one. */
  readonly text?: string | TextTest | undefined;
}

/**
 * A test of records, cheapest questions first. `status`: finished records (memory and erred) when absent; 'any': the lost ones too.
 */
export function recordMatcher(
  store: Store,
  filter: RecordFilter,
  status: RecordStatus | 'any' | undefined,
  effort: Effort,
): (record: RecordIndex) => boolean {
  const { records, strings } = store;
  const { tracks } = filter;
  const names = listOf(filter.name);
  const functions = names && new Set(names.map((name) => strings.function.find(name)));
  const workers = workersOf(store, filter.worker);
  const wanted = status === undefined || status === 'any' ? -1 : RECORD_STATUSES.indexOf(status);
  const since = filter.since === undefined ? Number.NEGATIVE_INFINITY : toMicros(filter.since);
  const until = filter.until === undefined ? Number.POSITIVE_INFINITY : toMicros(filter.until);
  const least = filter.minDuration === undefined ? 0 : toMicros(filter.minDuration);
  const most = filter.maxDuration === undefined ? Number.POSITIVE_INFINITY : toMicros(filter.maxDuration);
  const lengths = least > 0 || most < Number.POSITIVE_INFINITY;
  const asked = testOf(filter.text);
  const text = asked === null ? null : keyTest(store, asked, effort);
  const ranged = since > Number.NEGATIVE_INFINITY || until < Number.POSITIVE_INFINITY;
  return (record) => {
    if (wanted >= 0) {
      if (records.status.at(record) !== wanted) return false;
    } else if (status !== 'any' && records.status.at(record) === STATUS_LOST) return false;
    if (functions !== null && !functions.has(records.fn.at(record))) return false;
    if (workers !== null && !workers.has(records.worker.at(record))) return false;
    if (tracks?.has(records.track.at(record)) === false) return false;
    if (ranged && !(records.stop.at(record) >= since && records.start.at(record) <= until)) return false;
    if (lengths) {
      const length = records.stop.at(record) - records.start.at(record);
      if (length < least || length > most) return false;
    }
    return text === null || text(record);
  };
}

/** The same of tasks that run now. */
export function runningMatcher(store: Store, filter: RecordFilter): (task: Running) => boolean {
  const names = listOf(filter.name);
  const workers = workersOf(store, filter.worker);
  const text = testOf(filter.text);
  const { since, until, minDuration = 0, maxDuration = Number.POSITIVE_INFINITY } = filter;
  return (task) => {
    const start = toSeconds(task.start);
    const length = store.clock() - start;
    return (
      (names === null || names.includes(store.strings.function.at(task.fn))) &&
      (workers === null || workers.has(task.worker)) &&
      (text === null || text(task.key)) &&
      (since === undefined || store.clock() >= since) &&
      (until === undefined || start <= until) &&
      length >= minDuration &&
      length <= maxDuration
    );
  };
}

/** Indices of the workers of these addresses or names; null: all. */
export function workersOf(store: Store, called: string | readonly string[] | undefined): Set<number> | null {
  const list = listOf(called);
  if (list === null) return null;
  const found = new Set<number>();
  for (const { place } of store.tracks.list) {
    if (list.includes(place.name) || list.includes(place.address)) found.add(place.worker);
  }
  for (const address of list) {
    const index = store.strings.worker.find(address);
    if (index !== undefined) found.add(index);
  }
  return found;
}

/** Of one or several, a list; null for nothing said. */
export function listOf(value: string | readonly string[] | undefined): readonly string[] | null {
  if (value === undefined) return null;
  const list = typeof value === 'string' ? [value] : value;
  return list.length === 0 ? null : list;
}

function testOf(text: string | TextTest | undefined): TextTest | null {
  if (text === undefined) return null;
  if (typeof text === 'function') return text;
  return Object.assign((key: string) => key.includes(text), { literal: { text, fold: false } });
}
