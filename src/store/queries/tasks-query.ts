import { Rows } from '../../base/rows.ts';
import { atOnce, type Steps } from '../../base/steps.ts';
import type { RecordView } from '../../model/batch.ts';
import { ACTIONS, RECORD_STATUSES, type RecordStatus } from '../../model/task-state.ts';
import { type Micros, type RecordIndex, type Seconds, type Seq, toSeconds } from '../../model/units.ts';
import type { Slice } from '../detail/slices.ts';
import type { Running } from '../running.ts';
import type { Store } from '../store.ts';
import { BLOCK, type Effort, STEP } from './key-search.ts';
import { type RecordFilter, recordMatcher, runningMatcher } from './record-filter.ts';
import { Top } from './top.ts';

export interface TasksFilter extends RecordFilter {
  /** Finished records (memory and erred) when absent. */
  readonly status?: RecordStatus | 'processing' | undefined;
  /** Which come first: by arrival, by how long they took, by the size of their results. The last two have one page alone. */
  readonly order?: 'oldest' | 'newest' | 'slowest' | 'largest' | undefined;
  /** Only records behind this one, in that order. */
  readonly after?: RecordIndex | undefined;
  readonly limit: number;
  /** False: `total` is not asked for, so only records from `after` to the end of the page are looked at. */
  readonly counted?: boolean | undefined;
}

interface TasksFound {
  readonly seq: Seq;
  readonly total: number;
  readonly next: RecordIndex | null;
  /** Each is made when it is its turn: a page that waits until somebody reads it holds numbers alone. */
  readonly tasks: Rows<RecordView>;
}

export interface TasksPage extends Omit<TasksFound, 'tasks'> {
  readonly tasks: readonly RecordView[];
}

export function tasksPage(store: Store, filter: TasksFilter): TasksPage {
  return atOnce(tasksPageSteps(store, filter));
}

export function* tasksPageSteps(store: Store, filter: TasksFilter): Steps<TasksPage> {
  const found = yield* tasksFoundSteps(store, filter);
  return { ...found, tasks: [...found.tasks] };
}

/** Records that match, in the order of arrival or from the last one back: `total` of them in all, and a page of at most `limit`. */
export function* tasksFoundSteps(store: Store, filter: TasksFilter): Steps<TasksFound> {
  const { status } = filter;
  if (status === 'processing') {
    const running = [...store.running.values()].filter(runningMatcher(store, filter));
    const page = running.slice(0, filter.limit);
    const tasks = new Rows(page.length, (i) => runningView(store, page[i]!));
    return { seq: store.seq, total: running.length, next: null, tasks };
  }
  const effort = { spent: 0 };
  const matches = recordMatcher(store, filter, status, effort);
  const { order } = filter;
  if (order === 'slowest' || order === 'largest') {
    const { records } = store;
    const size = (record: RecordIndex): number =>
      order === 'largest' ? records.nbytes.at(record) : records.stop.at(record) - records.start.at(record);
    const top = new Top(filter.limit);
    const { seq, total } = yield* findRecords(store, { limit: 0 }, effort, matches, (record) => {
      top.offer(record, size(record));
    });
    return { seq, total, next: null, tasks: rowsOf(store, top.list()) };
  }
  const { page, ...found } = yield* findRecords(store, filter, effort, matches);
  return { ...found, tasks: rowsOf(store, page) };
}

function rowsOf(store: Store, records: readonly RecordIndex[]): Rows<RecordView> {
  return new Rows(records.length, (i) => recordView(store, records[i]!)!);
}

/** Goes through all records, or as many as a page takes. What comes while this goes on is not in it. */
export function* findRecords(
  store: Store,
  { after, counted, limit, order }: Pick<TasksFilter, 'after' | 'counted' | 'limit' | 'order'>,
  effort: Effort,
  matches: (record: RecordIndex) => boolean,
  found?: (record: RecordIndex) => void,
  /** Whether it is known that nothing in the same block matches. */
  noneAround?: (record: RecordIndex) => boolean,
): Steps<{ seq: Seq; total: number; next: RecordIndex | null; page: RecordIndex[] }> {
  const { seq } = store;
  const { length } = store.records;
  const newest = order === 'newest';
  // Records are numbered in the order in which they are gone through.
  const recordAt = (i: number): RecordIndex => (newest ? length - 1 - i : i);
  const first = after === undefined ? 0 : newest ? Math.max(0, length - after) : after + 1;
  const page: RecordIndex[] = [];
  let total = 0;
  let more = false;
  for (let i = counted === false ? first : 0; i < length; i++) {
    if (++effort.spent >= STEP) {
      effort.spent = 0;
      yield;
    }
    const record = recordAt(i);
    if (noneAround?.(record) === true) {
      const place = record % BLOCK;
      i += newest ? place : BLOCK - 1 - place;
      continue;
    }
    if (!matches(record)) continue;
    total++;
    found?.(record);
    if (i < first) continue;
    if (page.length < limit) page.push(record);
    else {
      more = true;
      if (counted === false) break;
    }
  }
  return { seq, total, next: more ? page[page.length - 1]! : null, page };
}

/** Everything known of a record; null when there is no such record. */
export function recordView(store: Store, record: RecordIndex): RecordView | null {
  const { records, slices, strings, tracks } = store;
  if (!Number.isInteger(record) || record < 0 || record >= records.length) return null;
  const track = tracks.list[records.track.at(record)]!;
  const error = records.error(record);
  const startstops: Slice[] = [];
  const stop = records.stop.at(record);
  slices.visit(track.track, records.start.at(record), stop + 1, (slice) => {
    if (slice.record === record) startstops.push({ ...slice });
    return;
  });
  startstops.sort((a, b) => a.start - b.start || a.stop - b.stop);
  return {
    record,
    key: records.keys.at(record),
    name: strings.function.at(records.fn.at(record)),
    group: strings.group.at(records.group.at(record)),
    worker: strings.worker.at(records.worker.at(record)),
    worker_name: track.place.name,
    slot: track.slot,
    status: RECORD_STATUSES[records.status.at(record)]!,
    ready: readyOf(records.ready(record)),
    start: toSeconds(records.start.at(record)),
    stop: toSeconds(stop),
    nbytes: records.nbytes.at(record),
    type: strings.type.at(records.type.at(record)),
    past: records.past.at(record) === 1,
    startstops: startstops.map(({ action, start, stop, origin }) => ({
      action: ACTIONS[action]!,
      start: toSeconds(start),
      stop: toSeconds(stop),
      ...(origin === 0 ? {} : { source: strings.worker.at(origin) }),
    })),
    ...(error === undefined ? {} : error),
  };
}

function readyOf(ready: Micros | null): Seconds | null {
  return ready === null ? null : toSeconds(ready);
}

function runningView(store: Store, task: Running): RecordView {
  const track = store.tracks.list[task.track]!;
  return {
    record: store.records.length,
    key: task.key,
    name: store.strings.function.at(task.fn),
    group: '',
    worker: store.strings.worker.at(task.worker),
    worker_name: track.place.name,
    slot: track.slot,
    status: 'processing',
    ready: null,
    start: toSeconds(task.start),
    stop: null,
    nbytes: 0,
    type: '',
    past: false,
    startstops: [],
  };
}
