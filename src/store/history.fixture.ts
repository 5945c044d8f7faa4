import type { SharesBatch, WindowQuery } from '../model/batch.ts';
import type { FinishedColumns, SourceSink, WorkerInfo } from '../model/source-event.ts';
import {
  ACTION_INDEX,
  CATEGORY_ERRED,
  CATEGORY_FUNCTION,
  CATEGORY_TRANSFER,
  matchedCategory,
  STATUS_ERRED,
  STATUS_MEMORY,
} from '../model/task-state.ts';
import { toMicros } from '../model/units.ts';
import { WindowCursor } from './detail/window-cursor.ts';
import { Replica } from './replica.ts';
import type { Store } from './store.ts';

/** Histories for tests, written as plain rows. Times are seconds. */
export interface Row {
  readonly key: string;
  readonly fn: string;
  readonly worker: string;
  readonly thread: number;
  readonly compute: readonly [number, number];
  readonly transfer?: readonly [number, number] | undefined;
  readonly from?: string;
  readonly erred?: boolean;
  readonly ready?: number | undefined;
  /** How many rows before it its dependencies stand, and how many it has in all. */
  readonly back?: readonly number[] | undefined;
  readonly needs?: number | undefined;
}

export function finishedOf(sink: SourceSink, rows: readonly Row[], past = false): FinishedColumns {
  const startstops = rows.flatMap((row) => [
    ...(row.transfer ? [{ action: 'transfer' as const, times: row.transfer, from: row.from }] : []),
    { action: 'compute' as const, times: row.compute, from: undefined },
  ]);
  return {
    length: rows.length,
    keys: rows.map((row) => row.key),
    fn: Uint32Array.from(rows, (row) => sink.intern('function', row.fn)),
    group: Uint32Array.from(rows, (row) => sink.intern('group', row.fn)),
    worker: Uint32Array.from(rows, (row) => sink.intern('worker', row.worker)),
    thread: Float64Array.from(rows, (row) => row.thread),
    type: Uint32Array.from(rows, () => sink.intern('type', 'int')),
    status: Uint8Array.from(rows, (row) => (row.erred ? STATUS_ERRED : STATUS_MEMORY)),
    nbytes: Float64Array.from(rows, () => 28),
    startstops: Uint16Array.from(rows, (row) => (row.transfer ? 2 : 1)),
    action: Uint8Array.from(startstops, ({ action }) => ACTION_INDEX[action]),
    start: Float64Array.from(startstops, ({ times }) => times[0]),
    stop: Float64Array.from(startstops, ({ times }) => times[1]),
    origin: Uint32Array.from(startstops, ({ from }) => (from ? sink.intern('worker', from) : 0)),
    ready: Float64Array.from(rows, (row) => row.ready ?? Number.NaN),
    needs: Uint32Array.from(rows, (row) => row.needs ?? row.back?.length ?? 0),
    dependencies: Uint16Array.from(rows, (row) => row.back?.length ?? 0),
    back: Uint32Array.from(rows.flatMap((row) => row.back ?? [])),
    errors: new Map(
      rows.flatMap((row, i) => (row.erred ? [[i, { exception: 'ValueError(1)', traceback: 'line 1' }] as const] : [])),
    ),
    past,
  };
}

export function workerOf(sink: SourceSink, address: string, name = address, nthreads = 2): WorkerInfo {
  return {
    worker: sink.intern('worker', address),
    address,
    name,
    host: '127.0.0.1',
    nthreads,
    memoryLimit: 1000,
    version: '2026.8.0',
    services: {},
    nanny: '',
    pid: 1,
    localDirectory: '',
  };
}

export function attach(sink: SourceSink, id = 'Scheduler-1', time = 1000): void {
  sink.accept({
    kind: 'cluster',
    time,
    engine: 'dask',
    address: 'tcp://127.0.0.1:8786',
    id,
    version: '2026.8.0',
    started: time,
    mode: 'feed',
    services: {},
  });
  sink.accept({ kind: 'link', state: 'connected', time, reason: '' });
}

/**
 * What a page knows of a window that was answered in small steps while more was taken in, and what one knows that is told all of it
 * at once afterwards.
 */
export function answeredWhileFed(store: Store, query: WindowQuery, more: readonly Row[], time: number) {
  const cursor = new WindowCursor(store, query);
  const live = new Replica(() => 0);
  let fed = 0;
  for (let batch = cursor.step(40); ; batch = cursor.step(40)) {
    if (batch !== null) live.apply({ kind: 'window', id: 1, batch });
    if (fed < more.length) {
      const some = more.slice(fed, fed + 30);
      store.accept({ kind: 'tick', time, finished: finishedOf(store, some) });
      fed += some.length;
    } else if (!cursor.unfinished && batch === null) break;
  }
  const fresh = new Replica(() => 0);
  fresh.apply({ kind: 'window', id: 1, batch: new WindowCursor(store, query).next()! });
  return { live: live.window(1), fresh: fresh.window(1) };
}

/** Busy µs per "track bin category" as a first answer says it. */
export function busyOf(batch: SharesBatch): Map<string, number> {
  const found = new Map<string, number>();
  batch.track.forEach((track, i) => {
    for (let k = batch.offset[i]!; k < batch.offset[i + 1]!; k++) {
      found.set(`${track} ${batch.firstBin + batch.bin[k]!} ${batch.category[k]}`, batch.busy[k]!);
    }
  });
  return found;
}

/** The same from the rows of which a store was made (its record i is row i), the slow and simple way, on the grid of a query; what `matches` says no to as a filter tells it. */
export function busyOfRows(
  store: Store,
  all: readonly Row[],
  query: WindowQuery,
  matches: (row: Row) => boolean = () => true,
): Map<string, number> {
  const width = 2 ** query.level;
  const since = Math.floor(query.since / width) * width;
  const until = query.until === null ? Number.POSITIVE_INFINITY : Math.ceil(query.until / width) * width;
  const sums = new Map<string, number>();
  all.forEach((row, record) => {
    const fn = store.strings.function.find(row.fn)!;
    const track = store.records.track.at(record);
    if (query.functions?.includes(fn) === false || query.tracks?.includes(track) === false) return;
    const slices = [{ times: row.compute, category: row.erred ? CATEGORY_ERRED : CATEGORY_FUNCTION + fn }];
    if (row.transfer !== undefined) slices.push({ times: row.transfer, category: CATEGORY_TRANSFER });
    for (const { times, category } of slices) {
      const start = toMicros(times[0]);
      const stop = Math.max(start + 1, toMicros(times[1]));
      for (let bin = Math.floor(Math.max(start, since) / width); bin * width < Math.min(stop, until); bin++) {
        const busy = Math.min(stop, (bin + 1) * width, until) - Math.max(start, bin * width, since);
        if (busy <= 0) continue;
        const key = `${track} ${bin} ${matchedCategory(category, matches(row))}`;
        sums.set(key, (sums.get(key) ?? 0) + busy);
      }
    }
  });
  return sums;
}
