import { describe, expect, it } from 'vitest';
import { atOnce } from '../../base/steps.ts';
import { attach, finishedOf, type Row, workerOf } from '../history.fixture.ts';
import { Store } from '../store.ts';
import { recordDetailsSteps } from './links-query.ts';

const WORKER = 'tcp://10.0.0.1:4001';

function row(key: string, start: number, more: Partial<Row> = {}): Row {
  return { key, fn: 'f', worker: WORKER, thread: 1, compute: [start, start + 1], ...more };
}

function storeOf(tell: (store: Store) => void): Store {
  const store = new Store({ monotonic: () => 0 });
  attach(store);
  store.accept({ kind: 'tick', time: 1001, workers: { added: [workerOf(store, WORKER)] } });
  tell(store);
  return store;
}

const finish = (store: Store, time: number, rows: readonly Row[], past = false): void =>
  store.accept({ kind: 'tick', time, finished: finishedOf(store, rows, past) });

const detailsOf = (store: Store, record: number) => atOnce(recordDetailsSteps(store, record, true));

describe('what a task waited for', () => {
  it('is the time at which it was ready, and its neighbours in the graph', () => {
    const store = storeOf((told) => {
      finish(told, 1003, [row('a', 1001), row('b', 1001)]);
      finish(told, 1006, [row('c', 1004.5, { ready: 1002.25, back: [1, 2], needs: 5 })]);
      finish(told, 1008, [row('d', 1006, { back: [1] }), row('e', 1006, { back: [2, 4] })]);
    });
    expect(detailsOf(store, 2)).toMatchObject({
      ready: 1002.25,
      start: 1004.5,
      dependencies: {
        total: 5,
        tasks: [
          { record: 1, key: 'b', name: 'f', track: 0, start: 1001, stop: 1002 },
          { record: 0, key: 'a' },
        ],
      },
      dependents: { total: 2, complete: true, tasks: [{ key: 'd' }, { key: 'e' }] },
    });
    expect(detailsOf(store, 0)).toMatchObject({ ready: null, dependents: { tasks: [{ key: 'c' }, { key: 'e' }] } });
    expect(detailsOf(store, 4)).toMatchObject({ dependents: { total: 0, complete: true, tasks: [] } });
    expect(detailsOf(store, 5)).toBeNull();
    expect(atOnce(recordDetailsSteps(store, 2, false))).not.toHaveProperty('dependents');
  });

  it('is counted in rows that were told: neither what finished before nor what was lost is one', () => {
    const store = storeOf((told) => {
      finish(told, 1001.5, [row('before', 1000, { back: [1] })], true);
      finish(told, 1003, [row('a', 1001)]);
      const started = [{ key: 'x', fn: 1, worker: told.intern('worker', WORKER), start: 1002 }];
      told.accept({ kind: 'tick', time: 1004, running: { reset: false, started, ended: [] } });
      told.accept({ kind: 'tick', time: 1005, workers: { removed: [told.intern('worker', WORKER)] } });
      finish(told, 1005, [row('late', 1000)], true);
      finish(told, 1006, [row('b', 1005, { back: [1, 2, 3_000_000_000] })]);
    });
    const keys = Array.from({ length: 5 }, (_, record) => store.records.keys.at(record));
    expect(keys).toEqual(['before', 'a', 'x', 'late', 'b']);
    expect(store.records.dependencies.at(4)).toEqual([1]);
    expect([0, 1, 2, 3].flatMap((record) => store.records.dependencies.at(record))).toEqual([]);
  });

  it('began no later than the task, whatever the clocks say', () => {
    const store = storeOf((told) =>
      finish(told, 1003, [row('a', 1001, { ready: 1001.5 }), row('b', 1001, { ready: -1 })]),
    );
    expect(detailsOf(store, 0)?.ready).toBe(1001);
    expect(detailsOf(store, 1)?.ready).toBeNull();
  });

  it('finds dependents far behind, names the first and counts all', () => {
    const many = 300;
    const store = storeOf((told) => {
      finish(told, 1003, [row('a', 1001)]);
      for (let i = 0; i < 700; i++) {
        const rows = Array.from({ length: 100 }, (_, j) => {
          const at = 100 * i + j + 1;
          return row(`b-${at}`, 1002, { back: at > 70_000 - many ? [at, 1] : [] });
        });
        finish(told, 1004, rows);
      }
    });
    const { dependents } = detailsOf(store, 0)!;
    expect(dependents).toMatchObject({ total: many, complete: true });
    expect(dependents!.tasks).toHaveLength(100);
    expect(dependents!.tasks[0]).toMatchObject({ key: `b-${70_001 - many}` });
    expect(store.records.dependencies.at(70_000)).toEqual([0, 69_999]);
  });
});
