import { atOnce, type Steps } from '../base/steps.ts';
import type { RecordView } from '../model/batch.ts';
import { ACTIONS, RECORD_STATUSES, type RecordStatus, STATUS_LOST } from '../model/task-state.ts';
import { type RecordIndex, type Seconds, type Seq, toMicros, toSeconds } from '../model/units.ts';
import type { Running } from './running.ts';
import type { Slice } from './slices.ts';
import type { Store } from './store.ts';

export interface TasksFilter {
  /** Function, exactly. */
  readonly name?: string | undefined;
  /** Address or name of a worker. */
  readonly worker?: string | undefined;
  /** Finished records (memory and erred) when absent. */
  readonly status?: RecordStatus | 'processing' | undefined;
  readonly since?: Seconds | undefined;
  readonly until?: Seconds | undefined;
  /** Part of a key. */
  readonly text?: string | undefined;
  /** Only records after this one. */
  readonly after?: RecordIndex | undefined;
  readonly limit: number;
  /** False: `total` is not asked for, so only records from `after` to the end of the page are looked at. */
  readonly counted?: boolean | undefined;
}

export interface TasksPage {
  readonly seq: Seq;
  readonly total: number;
  readonly next: RecordIndex | null;
  readonly tasks: readonly RecordView[];
}

/** Records that are looked at in one step. */
const STEP_RECORDS = 20_000;

export function tasksPage(store: Store, filter: TasksFilter): TasksPage {
  return atOnce(tasksPageSteps(store, filter));
}

/** Records that match, in the order of arrival: `total` of them in all, and a page of at most `limit`. */
export function* tasksPageSteps(store: Store, filter: TasksFilter): Steps<TasksPage> {
  if (filter.status === 'processing') {
    const running = [...store.running.values()].filter(runningMatcher(store, filter));
    const tasks = running.slice(0, filter.limit).map((task) => runningView(store, task));
    return { seq: store.seq, total: running.length, next: null, tasks };
  }
  // What comes while this goes on is not in it.
  const { seq } = store;
  const { length } = store.records;
  const matches = recordMatcher(store, filter);
  const first = filter.after === undefined ? 0 : filter.after + 1;
  const page: RecordIndex[] = [];
  let total = 0;
  let more = false;
  for (let record = filter.counted === false ? first : 0; record < length; record++) {
    if (record % STEP_RECORDS === STEP_RECORDS - 1) yield;
    if (!matches(record)) continue;
    total++;
    if (record < first) continue;
    if (page.length < filter.limit) page.push(record);
    else {
      more = true;
      if (filter.counted === false) break;
    }
  }
  const next = more ? page[page.length - 1]! : null;
  return { seq, total, next, tasks: page.map((record) => recordView(store, record)!) };
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
    thread: track.slot,
    status: RECORD_STATUSES[records.status.at(record)]!,
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

function recordMatcher(store: Store, filter: TasksFilter): (record: RecordIndex) => boolean {
  const { records, strings } = store;
  const { name, text } = filter;
  const fn = name === undefined ? -1 : (strings.function.find(name) ?? -2);
  const workers = filter.worker === undefined ? null : workersCalled(store, filter.worker);
  const status = filter.status === undefined ? -1 : RECORD_STATUSES.indexOf(filter.status as RecordStatus);
  const since = filter.since === undefined ? Number.NEGATIVE_INFINITY : toMicros(filter.since);
  const until = filter.until === undefined ? Number.POSITIVE_INFINITY : toMicros(filter.until);
  return (record) =>
    (fn === -1 || records.fn.at(record) === fn) &&
    (status === -1 ? records.status.at(record) !== STATUS_LOST : records.status.at(record) === status) &&
    (workers === null || workers.has(records.worker.at(record))) &&
    records.stop.at(record) >= since &&
    records.start.at(record) <= until &&
    (text === undefined || records.keys.at(record).includes(text));
}

/** Indices of the workers of that address or name. */
export function workersCalled(store: Store, called: string): Set<number> {
  const indices = store.tracks.list
    .filter(({ place }) => place.name === called || place.address === called)
    .map(({ place }) => place.worker);
  const address = store.strings.worker.find(called);
  return new Set(address === undefined ? indices : [...indices, address]);
}

function runningMatcher(store: Store, { name, worker, text, since, until }: TasksFilter): (task: Running) => boolean {
  const workers = worker === undefined ? null : workersCalled(store, worker);
  return (task) =>
    (name === undefined || store.strings.function.at(task.fn) === name) &&
    (workers === null || workers.has(task.worker)) &&
    (text === undefined || task.key.includes(text)) &&
    (since === undefined || store.clock() >= since) &&
    (until === undefined || toSeconds(task.start) <= until);
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
    thread: track.slot,
    status: 'processing',
    start: toSeconds(task.start),
    stop: null,
    nbytes: 0,
    type: '',
    past: false,
    startstops: [],
  };
}
