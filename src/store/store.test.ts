import { describe, expect, it } from 'vitest';
import { atOnce } from '../base/steps.ts';
import { STATE_COUNT, STATE_INDEX } from '../model/task-state.ts';
import { attach, finishedOf, type Row, workerOf } from './history.fixture.ts';
import { smallPager } from './paging/pages.fixture.ts';
import { StateCursor } from './queries/cursors.ts';
import {
  clusterView,
  progressView,
  recordView,
  runsView,
  searchSteps,
  tasksPage,
  workersView,
} from './queries/queries.ts';
import { Store } from './store.ts';

function row(key: string, start: number, stop: number, more: Partial<Row> = {}): Row {
  return { key, fn: 'inc', worker: 'tcp://w:1', thread: 77, compute: [start, stop], ...more };
}

function counts(store: Store, fn: string, states: Partial<Record<keyof typeof STATE_INDEX, number>>, forgotten = 0) {
  const values = new Uint32Array(STATE_COUNT);
  for (const [state, n] of Object.entries(states)) values[STATE_INDEX[state as keyof typeof STATE_INDEX]] = n;
  return {
    fn: Uint32Array.of(store.intern('function', fn)),
    states: values,
    forgotten: Float64Array.of(forgotten),
    nbytes: Float64Array.of(0),
  };
}

function attached(): { store: Store; clock: { ms: number } } {
  const clock = { ms: 0 };
  const store = new Store({ monotonic: () => clock.ms });
  attach(store);
  store.accept({ kind: 'tick', time: 1000, workers: { added: [workerOf(store, 'tcp://w:1', 'alice')] } });
  return { store, clock };
}

describe('Store', () => {
  it('keeps one record a finished task, with its startstops, error and thread slot', () => {
    const { store } = attached();
    const rows = [
      row('a', 1001, 1002, { transfer: [1000.5, 1001], from: 'tcp://w:2' }),
      row('b', 1001, 1003, { thread: 78, erred: true }),
      row('c', 1003, 1004),
    ];
    store.accept({ kind: 'tick', time: 1004, finished: finishedOf(store, rows) });
    const page = tasksPage(store, { limit: 2 });
    expect(page).toMatchObject({ total: 3, next: 1 });
    expect(page.tasks[0]).toMatchObject({ key: 'a', worker_name: 'alice', slot: 0, status: 'memory', start: 1000.5 });
    expect(page.tasks[0]?.startstops).toEqual([
      { action: 'transfer', start: 1000.5, stop: 1001, source: 'tcp://w:2' },
      { action: 'compute', start: 1001, stop: 1002 },
    ]);
    expect(page.tasks[1]).toMatchObject({ status: 'erred', slot: 1, exception: 'ValueError(1)' });
    expect(tasksPage(store, { limit: 5, after: 1 }).tasks.map((task) => task.key)).toEqual(['c']);
    expect(tasksPage(store, { limit: 5, status: 'erred' }).total).toBe(1);
    expect(tasksPage(store, { limit: 5, worker: 'alice', since: 1003.5 }).tasks.map((task) => task.key)).toEqual(['c']);
    expect(tasksPage(store, { limit: 5, name: 'nope' }).total).toBe(0);
    expect(recordView(store, 3)).toBeNull();
  });

  it('begins a new run after more than ten seconds, and merges runs when what lay between arrives late', () => {
    const { store } = attached();
    store.accept({ kind: 'tick', time: 1001, finished: finishedOf(store, [row('a', 1000, 1001)]) });
    store.accept({ kind: 'tick', time: 1012, finished: finishedOf(store, [row('b', 1011, 1012)]) });
    expect(runsView(store).runs).toHaveLength(1);
    store.accept({ kind: 'tick', time: 1024, finished: finishedOf(store, [row('c', 1022.1, 1024)]) });
    expect(runsView(store).runs.map(({ start, stop, records }) => [start, stop, records])).toEqual([
      [1000, 1012, 2],
      [1022.1, 1024, 1],
    ]);
    store.accept({ kind: 'tick', time: 1025, finished: finishedOf(store, [row('d', 1005, 1020, { thread: 3 })]) });
    expect(runsView(store).runs.map(({ records }) => records)).toEqual([4]);
  });

  it('shows forgotten tasks as released until the next run begins', () => {
    const { store } = attached();
    const inc = () => progressView(store).functions.find((f) => f.name === 'inc');
    store.accept({ kind: 'tick', time: 1001, functions: counts(store, 'inc', { memory: 3 }) });
    store.accept({ kind: 'tick', time: 1001, finished: finishedOf(store, [row('a', 1000, 1001)]) });
    store.accept({ kind: 'tick', time: 1002, functions: counts(store, 'inc', {}, 3) });
    expect(inc()).toMatchObject({ released: 3, total: 3, memory: 0 });
    // The same scheduler is reached again; the source goes on counting.
    attach(store, 'Scheduler-1', 1003);
    store.accept({ kind: 'tick', time: 1003, functions: counts(store, 'inc', {}, 3) });
    expect(inc()).toMatchObject({ released: 3 });
    // The next run: a task of it is finished and forgotten within one tick.
    store.accept({
      kind: 'tick',
      time: 1030,
      finished: finishedOf(store, [row('b', 1029, 1030)]),
      functions: counts(store, 'inc', {}, 4),
    });
    expect(inc()).toMatchObject({ released: 1, total: 1 });
  });

  it('draws running tasks on the lowest free row, ends them when they finish, and loses them with their worker', () => {
    const { store } = attached();
    const fn = store.intern('function', 'slow');
    const worker = store.intern('worker', 'tcp://w:1');
    const started = ['x', 'y', 'z'].map((key) => ({ key, fn, worker, start: 1001 }));
    store.accept({ kind: 'tick', time: 1001, running: { reset: false, started, ended: [] } });
    expect([...store.running.values()].map((task) => task.track)).toEqual([0, 1, 2]);
    store.accept({ kind: 'tick', time: 1002, finished: finishedOf(store, [row('y', 1001, 1002, { fn: 'slow' })]) });
    expect(tasksPage(store, { limit: 9, status: 'processing' }).tasks.map((task) => task.key)).toEqual(['x', 'z']);
    store.accept({ kind: 'tick', time: 1003, workers: { removed: [worker] } });
    expect(tasksPage(store, { limit: 9, status: 'processing' }).total).toBe(0);
    expect(tasksPage(store, { limit: 9, status: 'lost' }).tasks.map((task) => task.key)).toEqual(['x', 'z']);
    expect(tasksPage(store, { limit: 9 }).total).toBe(1);
    expect(workersView(store).workers).toEqual([]);
  });

  it('moves a running task to another row when the thread of its row proves to run something else', () => {
    const { store } = attached();
    const finish = (...rows: Row[]) => {
      const time = Math.max(...rows.map((r) => r.compute[1]));
      store.accept({ kind: 'tick', time, finished: finishedOf(store, rows) });
    };
    finish(row('a', 1000.0, 1001.0, { thread: 77 }), row('b', 1000.0, 1000.9, { thread: 78 }));
    const worker = store.intern('worker', 'tcp://w:1');
    const started = [{ key: 'long', fn: store.intern('function', 'long'), worker, start: 1001.1 }];
    store.accept({ kind: 'tick', time: 1001.2, running: { reset: false, started, ended: [] } });
    const rowOfLong = () => [...store.running.values()][0]?.track;
    expect(rowOfLong()).toBe(0);
    // What ended just after it began may owe that to a clock.
    finish(row('c', 1001.0, 1001.11, { thread: 77 }));
    expect(rowOfLong()).toBe(0);
    finish(row('d', 1001.2, 1001.4, { thread: 77 }));
    expect(rowOfLong()).toBe(1);
    finish(row('e', 1001.4, 1001.6, { thread: 77 }));
    expect(rowOfLong()).toBe(1);
    store.accept({ kind: 'tick', time: 1002, workers: { removed: [worker] } });
    expect(tasksPage(store, { limit: 9, status: 'lost' }).tasks.map((task) => task.slot)).toEqual([1]);
  });

  it('keeps a row beyond the threads of its worker only while something is drawn on it', () => {
    const { store } = attached();
    const fn = store.intern('function', 'seceded');
    const worker = store.intern('worker', 'tcp://w:1');
    const started = ['x', 'y', 'z'].map((key) => ({ key, fn, worker, start: 1001 }));
    store.accept({ kind: 'tick', time: 1001, running: { reset: false, started, ended: [] } });
    const tracks = new StateCursor(store).next()?.tracks ?? [];
    expect(tracks.map(({ slot, alive }) => [slot, alive])).toEqual([
      [0, true],
      [1, true],
      [2, false],
    ]);
    store.accept({ kind: 'tick', time: 1003, running: { reset: false, started: [], ended: ['x', 'y', 'z'] } });
    const busy = [row('a', 1001, 1003, { thread: 77 }), row('b', 1001, 1002.9, { thread: 78 })];
    store.accept({ kind: 'tick', time: 1003, finished: finishedOf(store, busy) });
    const next = [{ key: 'w', fn, worker, start: 1002 }];
    store.accept({ kind: 'tick', time: 1003, running: { reset: false, started: next, ended: [] } });
    expect([...store.running.values()].map((task) => task.track)).toEqual([1]);
  });

  it('draws what a dying worker took with it from when it was seen to start', () => {
    const { store } = attached();
    const fn = store.intern('function', 'boom');
    const worker = store.intern('worker', 'tcp://w:1');
    const started = [{ key: 'k', fn, worker, start: 1001 }];
    store.accept({ kind: 'tick', time: 1001, running: { reset: false, started, ended: [] } });
    const killed = finishedOf(store, [row('k', 0, 0, { fn: 'boom', erred: true })]);
    const none = {
      startstops: Uint16Array.of(0),
      action: new Uint8Array(0),
      start: new Float64Array(0),
      stop: new Float64Array(0),
    };
    store.accept({ kind: 'tick', time: 1003, finished: { ...killed, ...none }, workers: { removed: [worker] } });
    expect(tasksPage(store, { limit: 9, status: 'lost' }).total).toBe(0);
    expect(tasksPage(store, { limit: 9 }).tasks).toMatchObject([
      { key: 'k', status: 'erred', slot: 0, startstops: [{ action: 'compute', start: 1001, stop: 1003 }] },
    ]);
  });

  it('gives a worker that comes back under its name its old rows', () => {
    const { store } = attached();
    const before = store.tracks.list.length;
    store.accept({ kind: 'tick', time: 1001, workers: { removed: [store.intern('worker', 'tcp://w:1')] } });
    expect(store.tracks.list[0]?.place.alive).toBe(false);
    store.accept({ kind: 'tick', time: 1002, workers: { added: [workerOf(store, 'tcp://w:9', 'alice')] } });
    expect(store.tracks.list).toHaveLength(before);
    expect(store.tracks.list[0]?.place).toMatchObject({ alive: true, address: 'tcp://w:9' });
  });

  it('keeps a worker that went and came back to its address between two ticks', () => {
    const { store } = attached();
    const fn = store.intern('function', 'slow');
    const worker = store.intern('worker', 'tcp://w:1');
    const started = [{ key: 'k', fn, worker, start: 1001 }];
    store.accept({ kind: 'tick', time: 1001, running: { reset: false, started, ended: [] } });
    const again = { removed: [worker], added: [workerOf(store, 'tcp://w:1', 'alice')] };
    store.accept({ kind: 'tick', time: 1002, workers: again });
    expect(workersView(store).workers.map(({ name, status }) => [name, status])).toEqual([['alice', 'running']]);
    expect(store.tracks.list.map(({ place }) => place.alive)).toEqual([true, true]);
    expect(tasksPage(store, { limit: 9, status: 'lost' }).tasks.map((task) => task.key)).toEqual(['k']);
  });

  it('counts what a worker took with it as part of the run, on the scheduler that it ran on', () => {
    const { store } = attached();
    const fn = store.intern('function', 'slow');
    const worker = store.intern('worker', 'tcp://w:1');
    const started = [{ key: 'k', fn, worker, start: 1001 }];
    store.accept({ kind: 'tick', time: 1001.5, running: { reset: false, started, ended: [] } });
    store.accept({ kind: 'tick', time: 1300, workers: { removed: [worker] } });
    store.accept({ kind: 'tick', time: 1301, workers: { added: [workerOf(store, 'tcp://w:1', 'alice')] } });
    const next = [{ key: 'l', fn, worker, start: 1302 }];
    store.accept({ kind: 'tick', time: 1303, running: { reset: false, started: next, ended: [] } });
    attach(store, 'Scheduler-2', 1310);
    expect(runsView(store).runs).toMatchObject([{ start: 1001, stop: 1303, cluster: 'Scheduler-1' }]);
  });

  it('gives no row to threads that a worker only says it has, beyond a bound', () => {
    const { store } = attached();
    const boast = workerOf(store, 'tcp://w:2', 'bob', 1e15);
    store.accept({ kind: 'tick', time: 1001, workers: { added: [boast] } });
    expect(store.tracks.list.length).toBeLessThan(10_000);
    store.accept({
      kind: 'tick',
      time: 1002,
      finished: finishedOf(store, [row('a', 1001, 1002, { worker: 'tcp://w:2' })]),
    });
    expect(recordView(store, 0)).toMatchObject({ worker_name: 'bob', slot: 0 });
  });

  it('resumes on another scheduler as a new run, with nothing of the old counts', () => {
    const { store } = attached();
    store.accept({
      kind: 'tick',
      time: 1001,
      finished: finishedOf(store, [row('a', 1000, 1001)]),
      functions: counts(store, 'inc', { memory: 1 }),
    });
    store.accept({ kind: 'link', state: 'lost', time: 1001.5, reason: 'connection closed' });
    expect(clusterView(store)).toMatchObject({ link: 'lost', tasks: { memory: 1 } });
    attach(store, 'Scheduler-2', 1003);
    expect(clusterView(store)).toMatchObject({
      link: 'connected',
      id: 'Scheduler-2',
      workers: 0,
      tasks: { memory: 0 },
    });
    store.accept({ kind: 'tick', time: 1004, finished: finishedOf(store, [row('b', 1003, 1004)]) });
    expect(runsView(store).runs.map((run) => run.cluster)).toEqual(['Scheduler-1', 'Scheduler-2']);
    expect(tasksPage(store, { limit: 9 }).total).toBe(2);
  });

  it('stops its clock while the scheduler is lost and goes on with it otherwise', () => {
    const { store, clock } = attached();
    clock.ms += 500;
    expect(store.clock()).toBe(1000.5);
    store.accept({ kind: 'link', state: 'lost', time: 1, reason: '' });
    clock.ms += 5000;
    expect(store.clock()).toBe(1000.5);
  });

  it('takes times that are none as now', () => {
    const { store } = attached();
    store.accept({ kind: 'tick', time: 1005, finished: finishedOf(store, [row('a', Number.NaN, -1)]) });
    expect(recordView(store, 0)).toMatchObject({ start: 1005 });
    store.accept({ kind: 'tick', time: 1006, finished: finishedOf(store, [row('b', 1e300, 1e301)]) });
    expect(recordView(store, 1)).toMatchObject({ start: 1006 });
    expect(runsView(store).runs).toMatchObject([{ start: 1005, stop: 1006.000001 }]);
  });
});

it('keeps what went wrong for all of history, each text once, and in pages', () => {
  const pager = smallPager(60);
  const store = new Store({ monotonic: () => 0, pager });
  attach(store);
  const errorOf = (i: number) => ({
    exception: `KeyError(${i % 1_000})`,
    traceback: i % 4 === 0 ? '' : `line ${i % 100}`,
  });
  const errors = (from: number, count: number) => {
    const rows = Array.from({ length: count }, (_, i) => from + i).map((i) => {
      return {
        key: `inc-${i}`,
        fn: 'inc',
        worker: 'tcp://a:1',
        thread: 1,
        compute: [1001 + i, 1002 + i],
        erred: i % 2 === 0,
      } as const;
    });
    const made = finishedOf(store, rows);
    const texts = new Map(Array.from(made.errors.keys(), (row) => [row, errorOf(from + row)] as const));
    store.accept({ kind: 'tick', time: 2000 + from, finished: { ...made, errors: texts } });
  };
  errors(0, 30_000);
  const bytes = pager.fileBytes;
  for (const i of [0, 2, 500, 1_234, 29_998]) {
    expect(store.records.error(i)).toEqual(errorOf(i));
  }
  expect(store.records.error(1)).toBeUndefined();
  const { total, tasks } = atOnce(
    searchSteps(store, {
      test: (text) => text.includes('(998)'),
      fields: ['error'],
      order: 'oldest',
      limit: 2,
      counted: true,
      bins: 0,
    }),
  );
  expect(total).toBe(30);
  expect(tasks.map(({ key, exception }) => [key, exception])).toEqual([
    ['inc-998', 'KeyError(998)'],
    ['inc-1998', 'KeyError(998)'],
  ]);
  // No text is kept a second time.
  expect(bytes).toBeLessThan(30_000 * 64);
});
