import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { EngineKind } from '../model/source-event.ts';
import { SCHEDULER_STATES } from '../model/task-state.ts';
import { RecordingSink } from './recording-sink.ts';
import type { Source } from './source.ts';

/**
 * What every source must do, as scenarios over a harness that can make its engine do things. A test file runs them:
 *
 * ```ts
 * for (const scenario of CONFORMANCE) it(scenario.name, () => scenario.run(harness), 60_000);
 * ```
 *
 * They run in order against one running engine; the last ones kill a worker.
 */
export interface ConformanceHarness {
  readonly engine: EngineKind;
  /** What its sources cannot know, or leave behind: a reduced mode. */
  readonly lacks?: readonly ConformanceNeed[];
  /** Worker processes at the start; at least 2. */
  readonly workers: number;
  readonly threadsPerWorker: number;
  /** A new source for the engine, not started. */
  createSource(): Source;
  /**
   * Runs the seeds' computation: functions `inc`, `dec` and `add` over range(100), then one `sum` over what `add`
   * gave. Resolves when `sum` is done, with all 301 results still held.
   */
  example(): Promise<HeldResults>;
  /** One task of function `fail` that throws an error with this message. Resolves when it has erred. */
  fail(message: string): Promise<void>;
  /** One task of function `make` on one worker, then one of function `use` on another that takes its result. */
  transfer(): Promise<void>;
  /** One task of function `snooze` that takes this long. Resolves when it is done. */
  snooze(seconds: number): Promise<void>;
  /** One task of function `hang` that runs until it is stopped. Resolves when it runs. */
  hang(): Promise<HangingTask>;
  /** What a watcher could leave behind in the engine (plugins, callbacks, clients): equal before and after. */
  traces(): Promise<unknown>;
}

export interface HeldResults {
  /** Lets go of everything but the result of `sum`. */
  release(): Promise<void>;
  /** Lets go of the result of `sum`. */
  releaseAll(): Promise<void>;
}

export interface HangingTask {
  readonly key: string;
  /** The address of the worker it runs on. */
  readonly worker: string;
  /** Kills that worker's process without warning, for good. */
  killWorker(): Promise<void>;
  /** Cancels the task wherever it is now. */
  stop(): Promise<void>;
}

/** What not every way of watching gives: running tasks, workers' process ids, what tasks waited for, and going without a trace. */
export type ConformanceNeed = 'running' | 'pid' | 'links' | 'no-trace';

export interface ConformanceScenario {
  readonly name: string;
  /** Left out for a harness that lacks it. */
  readonly needs?: ConformanceNeed;
  run(harness: ConformanceHarness): Promise<void>;
}

const EXAMPLE: readonly (readonly [fn: string, count: number])[] = [
  ['inc', 100],
  ['dec', 100],
  ['add', 100],
  ['sum', 1],
];

/** Clocks of processes on one machine agree; the reading of a start may be a heartbeat's delivery late. */
const CLOCK_TOLERANCE_S = 0.5;

export const CONFORMANCE: readonly ConformanceScenario[] = [
  {
    name: 'sends the cluster first, then a connected link',
    run: (harness) =>
      watch(harness, async (sink) => {
        assert.equal(sink.kinds[0], 'cluster', 'the first event is the cluster');
        assert.equal(sink.clusters[0]!.engine, harness.engine);
        assert.ok(sink.clusters[0]!.id !== '', 'the scheduler has an id');
        assert.ok(sink.clusters[0]!.version !== '', 'the engine has a version');
        await sink.until('connected', () => sink.links.at(-1)?.state === 'connected');
        assert.equal(sink.links.at(-1)!.reason, '');
      }),
  },
  {
    name: 'describes and samples every worker',
    run: (harness) =>
      watch(harness, async (sink) => {
        await sink.until('all workers are described', () => sink.workers.size === harness.workers);
        for (const [address, info] of sink.workers) {
          assert.equal(info.address, address);
          assert.equal(info.nthreads, harness.threadsPerWorker);
          assert.ok(info.name !== '' && info.host !== '', 'a worker has a name and a host');
          if (!lacks(harness, 'pid')) assert.ok(info.pid > 0);
        }
        await sink.until('all workers are sampled', () =>
          [...sink.workers.keys()].every((address) => {
            const sample = sink.samples.get(address);
            return sample?.status === 'running' && sample.counts !== undefined && sample.metrics !== undefined;
          }),
        );
        for (const sample of sink.samples.values()) {
          assert.ok(sample.metrics!.process > 1_000_000, 'process memory is in bytes');
          assert.ok(sample.metrics!.cpu >= 0);
          assert.ok(Math.abs(sample.metrics!.lastSeen - Date.now() / 1000) < 30, 'last seen is a time');
        }
      }),
  },
  {
    name: 'gives one record per task of the example, and counts that add up and stay after release',
    run: (harness) =>
      watch(harness, async (sink) => {
        const held = await harness.example();
        await sink.until('301 records', () => exampleTasks(sink).length >= 301);
        assert.equal(exampleTasks(sink).length, 301);
        const keys = new Set(exampleTasks(sink).map((task) => task.key));
        assert.equal(keys.size, 301, 'each task once');
        for (const [fn, count] of EXAMPLE) {
          assert.equal(sink.of(fn).length, count, `records of ${fn}`);
          for (const task of sink.of(fn)) {
            assert.equal(task.status, 'memory');
            assert.ok(task.worker !== '' && task.thread !== 0, 'where it ran');
            assert.ok(task.nbytes > 0, 'its size');
            assert.equal(task.startstops.filter((s) => s.action === 'compute').length, 1, 'computed once');
          }
        }
        await sink.until('all in memory', () => EXAMPLE.every(([fn, n]) => sink.counts.get(fn)?.memory === n));
        for (const [fn, count] of EXAMPLE) {
          const counts = sink.counts.get(fn)!;
          const all = SCHEDULER_STATES.reduce((sum, state) => sum + counts[state], 0);
          assert.equal(all, count, `the states of ${fn} add up`);
          assert.ok(counts.nbytes > 0);
        }
        const before = new Map(EXAMPLE.map(([fn]) => [fn, sink.counts.get(fn)!.forgotten]));
        await held.release();
        const done = (fn: string): number => {
          const counts = sink.counts.get(fn)!;
          return counts.memory + counts.released + counts.forgotten - before.get(fn)!;
        };
        await sink.until('released', () => EXAMPLE.slice(0, 3).every(([fn]) => sink.counts.get(fn)!.memory === 0));
        await sink.until('still 100/100/100/1', () => EXAMPLE.every(([fn, n]) => done(fn) === n));
        assert.equal(sink.counts.get('sum')!.memory, 1);
        await held.releaseAll();
        await sink.until('all forgotten', () =>
          EXAMPLE.every(([fn, n]) => sink.counts.get(fn)!.memory === 0 && done(fn) === n),
        );
      }),
  },
  {
    name: 'gives startstops in order and within the run',
    run: (harness) =>
      watch(harness, async (sink) => {
        const begin = Date.now() / 1000 - CLOCK_TOLERANCE_S;
        const held = await harness.example();
        await sink.until('301 records', () => exampleTasks(sink).length >= 301);
        const end = Date.now() / 1000 + CLOCK_TOLERANCE_S;
        await held.release();
        await held.releaseAll();
        for (const task of exampleTasks(sink)) {
          let computed = 0;
          for (const { action, start, stop } of task.startstops) {
            assert.ok(
              start >= begin && stop <= end,
              `${task.key}: ${action} ${start}..${stop} outside ${begin}..${end}`,
            );
            assert.ok(stop >= start, `${task.key}: ${action} ends before it starts`);
            if (action === 'compute') computed = start;
          }
          const transfers = task.startstops.filter((s) => s.action === 'transfer');
          assert.ok(
            // A worker's idea of the scheduler's clock may change between the two.
            transfers.every((s) => s.start <= computed + CLOCK_TOLERANCE_S),
            `${task.key}: fetched before it computed`,
          );
        }
      }),
  },
  {
    name: 'says since when a task was ready, and of which records it took the results',
    needs: 'links',
    run: (harness) =>
      watch(harness, async (sink) => {
        // Numbers of records go on across a second round.
        for (const round of [1, 2]) {
          const held = await harness.example();
          await sink.until('its records', () => exampleTasks(sink).length >= 301 * round);
          await held.release();
          await held.releaseAll();
        }
        for (const task of exampleTasks(sink)) {
          const compute = task.startstops.find((s) => s.action === 'compute')!;
          assert.ok(
            task.ready <= compute.start + CLOCK_TOLERANCE_S,
            `${task.key}: ready at ${task.ready}, before it began`,
          );
          for (const dependency of task.dependencies) {
            const stop = dependency.startstops.at(-1)!.stop;
            assert.ok(stop <= task.ready + CLOCK_TOLERANCE_S, `${task.key}: ready once ${dependency.key} was there`);
          }
        }
        const needs = (fn: string): [number, string[]][] =>
          sink.of(fn).map((task) => [task.needs, task.dependencies.map((dependency) => dependency.fn).sort()]);
        for (const fn of ['inc', 'dec'])
          assert.ok(needs(fn).every(([count, known]) => count === 0 && known.length === 0));
        // A chain: each of one `inc` and one `dec`, and no two of the same ones.
        for (const [count, known] of needs('add')) assert.deepEqual([count, known], [2, ['dec', 'inc']]);
        const taken = sink.of('add').flatMap((task) => task.dependencies);
        assert.equal(new Set(taken).size, 400);
        // A fan-in: of more than are told, all are counted.
        for (const task of sink.of('sum')) {
          assert.equal(task.needs, 100);
          assert.equal(new Set(task.dependencies).size, 64);
          assert.ok(task.dependencies.every(({ fn, ready }) => fn === 'add' && ready <= task.ready));
        }
        const [first, second] = sink.of('sum');
        assert.ok(first!.dependencies.every((dependency) => !second!.dependencies.includes(dependency)));
      }),
  },
  {
    name: 'says of an erred task what went wrong',
    run: (harness) =>
      watch(harness, async (sink) => {
        const message = `no luck <img src=x onerror=alert(1)> ${Date.now()}`;
        await harness.fail(message);
        await sink.until('the erred record', () =>
          sink.of('fail').some((task) => task.error?.exception.includes(message)),
        );
        const task = sink.of('fail').at(-1)!;
        assert.equal(task.status, 'erred');
        assert.ok(task.error!.traceback.includes('fail'), 'the traceback names the function');
        assert.equal(task.startstops.filter((s) => s.action === 'compute').length, 1);
      }),
  },
  {
    name: 'gives a transfer with the worker it came from',
    run: (harness) =>
      watch(harness, async (sink) => {
        await harness.transfer();
        await sink.until('both records', () => sink.of('make').length > 0 && sink.of('use').length > 0);
        const made = sink.of('make').at(-1)!;
        const used = sink.of('use').at(-1)!;
        assert.notEqual(made.worker, used.worker);
        const transfer = used.startstops.find((s) => s.action === 'transfer');
        assert.ok(transfer, 'a transfer startstop');
        assert.equal(transfer.origin, made.worker);
      }),
  },
  {
    name: 'reports a long task as running before it finishes, with its start',
    needs: 'running',
    run: (harness) =>
      watch(harness, async (sink) => {
        let finished = false;
        const snooze = harness.snooze(1.5).then(() => {
          finished = true;
        });
        const runs = () => [...sink.running.values()].find((task) => sink.tables.function[task.fn] === 'snooze');
        await sink.until('the task runs', () => runs() !== undefined);
        assert.equal(finished, false, 'reported while it runs');
        const { key } = runs()!;
        await snooze;
        await sink.until('its record', () => sink.of('snooze').some((task) => task.key === key));
        assert.equal(sink.running.has(key), false, 'a record ends the running task');
        const task = sink.of('snooze').find((record) => record.key === key)!;
        const compute = task.startstops.find((s) => s.action === 'compute')!;
        const reported = sink.started.filter((running) => running.key === key);
        const { start, worker } = reported.at(-1)!;
        assert.ok(Math.abs(start - compute.start) < CLOCK_TOLERANCE_S, `start ${start}, in truth ${compute.start}`);
        assert.equal(sink.tables.worker[worker], task.worker);
        assert.equal(sink.ended.includes(key), false, 'not reported as ended without a record');
      }),
  },
  {
    name: 'reports a cancelled task as ended without a record',
    needs: 'running',
    run: (harness) =>
      watch(harness, async (sink) => {
        const hanging = await harness.hang();
        await sink.until('it runs', () => sink.running.has(hanging.key));
        await hanging.stop();
        await sink.until('it ended', () => !sink.running.has(hanging.key));
        assert.equal(sink.of('hang').filter((task) => task.key === hanging.key && task.status === 'memory').length, 0);
      }),
  },
  {
    name: 'leaves no trace when it closes',
    needs: 'no-trace',
    run: async (harness) => {
      const before = await settledTraces(harness);
      const source = harness.createSource();
      const sink = new RecordingSink();
      await source.start(sink);
      assert.notDeepEqual(await harness.traces(), before, 'the harness sees a watching source');
      await source.close();
      await source.close();
      const { length } = sink.kinds;
      const deadline = Date.now() + 10_000;
      for (;;) {
        const after = await harness.traces();
        try {
          assert.deepEqual(after, before);
          break;
        } catch (error) {
          if (Date.now() > deadline) throw error;
          await pause(20);
        }
      }
      assert.equal(sink.kinds.length, length, 'nothing is sent after close');
    },
  },
  {
    name: 'reports a killed worker as removed and ends what ran there',
    run: (harness) =>
      watch(harness, async (sink) => {
        await sink.until('workers', () => sink.workers.size === harness.workers);
        const hanging = await harness.hang();
        const runs = !lacks(harness, 'running');
        if (runs) {
          await sink.until('it runs', () => sink.running.has(hanging.key));
          assert.equal(sink.tables.worker[sink.running.get(hanging.key)!.worker], hanging.worker);
        }
        await hanging.killWorker();
        await sink.until('the worker is removed', () => sink.removed.includes(hanging.worker));
        assert.ok(!sink.workers.has(hanging.worker));
        if (runs) assert.ok(sink.lost.includes(hanging.key), 'what ran there is lost');
        await hanging.stop();
        await sink.until('nothing hangs', () => !sink.running.has(hanging.key));
      }),
  },
];

/** The scenarios that apply to a harness that lacks this. */
export function scenariosWithout(lacking: readonly ConformanceNeed[]): readonly ConformanceScenario[] {
  return CONFORMANCE.filter(({ needs }) => needs === undefined || !lacking.includes(needs));
}

function lacks(harness: ConformanceHarness, need: ConformanceNeed): boolean {
  return harness.lacks?.includes(need) === true;
}

/** Starts a source, looks at it through a recording sink, and closes it whatever happens. */
async function watch(harness: ConformanceHarness, look: (sink: RecordingSink) => Promise<void>): Promise<void> {
  const source = harness.createSource();
  const sink = new RecordingSink();
  try {
    await source.start(sink);
    await look(sink);
  } finally {
    await source.close();
  }
}

/** The engine's own state, once an earlier source has left it. */
async function settledTraces(harness: ConformanceHarness): Promise<unknown> {
  for (let before = await harness.traces(); ; ) {
    await pause(500);
    const after = await harness.traces();
    if (isDeepStrictEqual(before, after)) return after;
    before = after;
  }
}

function exampleTasks(sink: RecordingSink): RecordingSink['tasks'] {
  return EXAMPLE.flatMap(([fn]) => sink.of(fn));
}
