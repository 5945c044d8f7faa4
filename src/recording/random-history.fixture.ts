import fc from 'fast-check';
import type { SourceEvent, SourceSink } from '../model/source-event.ts';
import { STATE_COUNT } from '../model/task-state.ts';
import { attach, finishedOf, type Row, workerOf } from '../store/history.fixture.ts';
import type { RecorderOptions } from './recorder.ts';

/** Recorders that leave one history behind in different files. */
export const WAYS_TO_RECORD: readonly (readonly [how: string, options: Partial<RecorderOptions>])[] = [
  ['sealed at the end', {}],
  ['sealed in many segments', { limits: { tasks: 5 } }],
  ['never sealed', { seal: async () => null }],
  ['journals of many segments', { seal: async () => null, limits: { bytes: 3_000 } }],
];

const FUNCTIONS = ['inc', 'read-parquet', 'π → sum'];
const WORKERS = ['tcp://10.0.0.1:4001', 'tcp://10.0.0.1:4002', 'tls://[::1]:9'];
const BEGIN = 1_790_000_000;

const rowArbitrary = fc.record({
  key: fc.oneof(
    fc.integer({ min: 0, max: 20 }).map((n) => `inc-${n}`),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
  ),
  fn: fc.constantFrom(...FUNCTIONS),
  worker: fc.constantFrom(...WORKERS),
  thread: fc.constantFrom(1, 2, 140_213_371_000_001),
  start: fc.integer({ min: 0, max: 40_000_000 }),
  took: fc.integer({ min: 0, max: 3_000_000 }),
  transfer: fc.option(fc.integer({ min: 0, max: 500_000 }), { nil: undefined }),
  erred: fc.boolean(),
  wait: fc.option(fc.integer({ min: 0, max: 30_000_000 }), { nil: undefined }),
  back: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 3 }),
  unknown: fc.nat(2),
});

/** One step of a history: what a source says at one moment. */
export const stepArbitrary = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      step: fc.constant('finished' as const),
      past: fc.boolean(),
      rows: fc.array(rowArbitrary, { maxLength: 8 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ step: fc.constant('running' as const), reset: fc.boolean(), row: rowArbitrary }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('ended' as const), row: rowArbitrary }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant('counts' as const),
      fn: fc.constantFrom(...FUNCTIONS),
      states: fc.array(fc.nat(1000), { minLength: STATE_COUNT, maxLength: STATE_COUNT }),
      forgotten: fc.nat(500),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constant('worker' as const),
      worker: fc.constantFrom(...WORKERS),
      there: fc.boolean(),
      cpu: fc.double({ min: 0, max: 400, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('gap' as const), size: fc.option(fc.nat(99)) }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('again' as const) }) },
);
export type Step = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never;

/** Says all steps, half a second apart, to a sink that it has attached to. */
export function tell(sink: SourceSink, steps: readonly Step[], id = 'Scheduler-1', begin = BEGIN): void {
  attach(sink, id, begin);
  steps.forEach((step, i) => {
    sink.accept(eventOf(sink, step, begin + (i + 1) / 2, id));
  });
}

function eventOf(sink: SourceSink, step: Step, time: number, id: string): SourceEvent {
  switch (step.step) {
    case 'finished': {
      const rows = step.rows.map((row): Row => {
        const start = BEGIN + row.start / 1e6;
        return {
          ...row,
          compute: [start, start + row.took / 1e6],
          transfer: row.transfer === undefined ? undefined : [start - row.transfer / 1e6, start],
          from: WORKERS[0]!,
          ready: row.wait === undefined ? undefined : start - row.wait / 1e6,
          needs: row.back.length + row.unknown,
        };
      });
      return { kind: 'tick', time, finished: finishedOf(sink, rows, step.past) };
    }
    case 'running': {
      const { key, fn, worker, start } = step.row;
      const started = [
        { key, fn: sink.intern('function', fn), worker: sink.intern('worker', worker), start: BEGIN + start / 1e6 },
      ];
      return { kind: 'tick', time, running: { reset: step.reset, started, ended: [] } };
    }
    case 'ended':
      return { kind: 'tick', time, running: { reset: false, started: [], ended: [step.row.key] } };
    case 'counts':
      return {
        kind: 'tick',
        time,
        functions: {
          fn: Uint32Array.of(sink.intern('function', step.fn)),
          states: Uint32Array.from(step.states),
          forgotten: Float64Array.of(step.forgotten),
          nbytes: Float64Array.of(step.forgotten * 28),
        },
      };
    case 'worker': {
      const worker = sink.intern('worker', step.worker);
      if (!step.there) return { kind: 'tick', time, workers: { removed: [worker] } };
      const counts = { processing: 1, inMemory: 2, executing: 1, occupancy: 0.5, nbytes: 10 };
      return {
        kind: 'tick',
        time,
        workers: { added: [workerOf(sink, step.worker)], samples: [{ worker, status: 'paused', counts }] },
        totals: { clients: 1, idle: 0, saturated: 0, occupancy: 1, cpu: step.cpu, memory: 5 },
        cost: { share: 0.001, perTask: Number.NaN, loopLag: 0.1 },
        log: [{ time, topic: 'test', text: 'a worker' }],
      };
    }
    case 'gap':
      return { kind: 'gap', since: time - 1, until: time, size: step.size, reason: 'disconnected' };
    case 'again':
      return {
        kind: 'cluster',
        time,
        engine: 'dask',
        address: 'tcp://127.0.0.1:8786',
        id,
        version: '2026.8.0',
        started: BEGIN,
        mode: 'feed',
        services: { dashboard: 8787 },
      };
  }
}
