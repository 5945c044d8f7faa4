import type { FinishedColumns, SourceSink, WorkerInfo } from '../model/source-event.ts';
import { ACTION_INDEX, STATUS_ERRED, STATUS_MEMORY } from '../model/task-state.ts';

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
