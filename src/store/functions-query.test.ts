import fc from 'fast-check';
import { expect, it } from 'vitest';
import { attach, finishedOf, type Row } from './history.fixture.ts';
import { functionsView } from './queries.ts';
import { Store } from './store.ts';

const BASE = 1_700_000_000;
const at = (seconds: number): number => BASE + seconds;

function storeOf(rows: readonly Row[]): Store {
  const store = new Store({ monotonic: () => 0 });
  attach(store, 'Scheduler-1', BASE);
  store.accept({ kind: 'tick', time: BASE + 100, finished: finishedOf(store, rows) });
  return store;
}

const row = (fn: string, thread: number, start: number, stop: number, more: Partial<Row> = {}): Row => {
  return { key: `${fn}-${start}`, fn, worker: 'tcp://a:1', thread, compute: [at(start), at(stop)], ...more };
};

it('says what each function did in a range, cut at its edges', () => {
  const store = storeOf([
    row('inc', 1, 1, 3, { transfer: [at(0), at(1)], from: 'tcp://b:1' }),
    row('inc', 2, 0, 6, { erred: true }),
    row('add', 1, 4, 5),
    row('late', 1, 50, 60),
  ]);
  const query = { since: at(0.5), until: at(4.5), sort: 'total', limit: 9 } as const;
  const view = functionsView(store, query);
  expect(view).toMatchObject({ tracks: 2, wall: 8, idle: 1, total: 2 });
  const [inc, add] = view.functions;
  expect(inc).toMatchObject({ name: 'inc', count: 2, erred: 1, total: 6, transfer: 0.5, share: 0.75, mean: 4, max: 6 });
  expect(inc?.p50).toBeCloseTo(2, 1);
  expect(inc?.p95).toBeCloseTo(6, 1);
  expect(inc?.nbytes).toBe(56);
  expect(add).toMatchObject({ name: 'add', count: 1, total: 0.5, mean: 1, transfer_share: 0 });
  expect(functionsView(store, { ...query, sort: 'mean', limit: 1 }).functions.map(({ name }) => name)).toEqual(['inc']);
  expect(functionsView(store, { ...query, tracks: new Set([1]) }).functions.map(({ count }) => count)).toEqual([1]);
  expect(functionsView(store, { ...query, worker: 'nobody' })).toMatchObject({ tracks: 0, functions: [] });
});

it('adds up to the range, however slices overlap', () => {
  const rows = fc.array(
    fc
      .tuple(
        fc.constantFrom('inc', 'add'),
        fc.integer({ min: 1, max: 2 }),
        fc.nat(90_000),
        fc.integer({ min: 1, max: 9_999 }),
      )
      .map(([fn, thread, start, length]) => row(fn, thread, start / 1e3, (start + length) / 1e3)),
    { minLength: 1, maxLength: 40 },
  );
  fc.assert(
    fc.property(rows, fc.integer({ min: 0, max: 50 }), fc.integer({ min: 51, max: 110 }), (all, since, until) => {
      const store = storeOf(all);
      const view = functionsView(store, { since: at(since), until: at(until), sort: 'count', limit: 9 });
      // Milliseconds that any row covers, track by track.
      const covered = new Set<string>();
      let total = 0;
      for (const { thread, compute } of all) {
        const [start, stop] = compute.map((time) => Math.round((time - BASE) * 1e3)) as [number, number];
        for (let ms = Math.max(start, since * 1e3); ms < Math.min(stop, until * 1e3); ms++) {
          covered.add(`${thread} ${ms}`);
          total++;
        }
      }
      expect(view.wall - view.idle).toBeCloseTo(covered.size / 1e3, 6);
      expect(view.functions.reduce((sum, of) => sum + of.total, 0)).toBeCloseTo(total / 1e3, 6);
    }),
    { numRuns: 50 },
  );
});
