import fc from 'fast-check';
import { expect, it } from 'vitest';
import { attach, finishedOf, type Row } from '../history.fixture.ts';
import { Store } from '../store.ts';
import { functionsView } from './queries.ts';

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
  expect(view.workers).toBeUndefined();
  const { workers = [] } = functionsView(store, { ...query, byWorker: true });
  expect(workers.reduce((sum, { idle, tracks }) => sum + idle * tracks, 0)).toBeCloseTo(view.idle / 4, 9);
  expect(workers.reduce((sum, { transfer, tracks }) => sum + transfer * tracks, 0)).toBeCloseTo(0.5 / 4, 9);
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

/** What an area holds, the slow and simple way. Times are whole milliseconds. */
function figuresOfRows(all: readonly Row[], since: number, until: number, thread: number | null) {
  const totals = { compute: 0, erred: 0, lost: 0, transfer: 0, disk: 0, deserialize: 0 };
  const functions = new Map<string, { lengths: number[]; erred: number; total: number; transfer: number }>();
  for (const one of all) {
    if (thread !== null && one.thread !== thread) continue;
    const clip = (times: readonly [number, number] | undefined): number => {
      if (times === undefined) return 0;
      const [start, stop] = times.map((time) => Math.round((time - BASE) * 1e3)) as [number, number];
      return Math.max(0, Math.min(stop, until) - Math.max(start, since));
    };
    const compute = clip(one.compute);
    const transfer = clip(one.transfer);
    if (compute === 0 && transfer === 0) continue;
    let of = functions.get(one.fn);
    if (of === undefined) {
      of = { lengths: [], erred: 0, total: 0, transfer: 0 };
      functions.set(one.fn, of);
    }
    of.transfer += transfer;
    totals.transfer += transfer;
    if (compute === 0) continue;
    of.total += compute;
    of.lengths.push(Math.round((one.compute[1] - one.compute[0]) * 1e3));
    if (one.erred === true) of.erred++;
    totals[one.erred === true ? 'erred' : 'compute'] += compute;
  }
  return { totals, functions };
}

it('is what the slices of an area say, whatever area it is', () => {
  const one = fc.record({
    fn: fc.constantFrom('inc', 'add', 'sum'),
    thread: fc.integer({ min: 1, max: 3 }),
    start: fc.nat(9_000),
    wait: fc.nat(400),
    length: fc.integer({ min: 1, max: 2_000 }),
    erred: fc.boolean(),
  });
  const rows = fc.array(one, { minLength: 1, maxLength: 60 }).map((list) =>
    list.map(({ fn, thread, start, wait, length, erred }) =>
      row(fn, thread, (start + wait) / 1e3, (start + wait + length) / 1e3, {
        erred,
        transfer: wait > 0 ? [at(start / 1e3), at((start + wait) / 1e3)] : undefined,
      }),
    ),
  );
  const range = fc.tuple(fc.nat(6_000), fc.integer({ min: 1, max: 6_000 }));
  fc.assert(
    fc.property(rows, range, fc.constantFrom(null, 1, 2), (all, [since, wide], thread) => {
      const store = storeOf(all);
      const until = since + wide;
      const track = thread === null ? null : store.tracks.list[0]!.place.threads.indexOf(thread);
      if (track === -1) return;
      const view = functionsView(store, {
        since: at(since / 1e3),
        until: at(until / 1e3),
        sort: 'count',
        limit: 9,
        tracks: track === null ? undefined : new Set([track]),
      });
      const { totals, functions } = figuresOfRows(all, since, until, thread);
      for (const [name, of] of Object.entries(totals))
        expect(view.totals[name as keyof typeof totals], name).toBeCloseTo(of / 1e3, 6);
      expect(view.functions.map(({ name }) => name).sort()).toEqual([...functions.keys()].sort());
      for (const figures of view.functions) {
        const { lengths, erred, total, transfer } = functions.get(figures.name)!;
        expect(figures).toMatchObject({ count: lengths.length, erred, nbytes: 28 * lengths.length });
        expect(figures.total).toBeCloseTo(total / 1e3, 6);
        expect(figures.transfer).toBeCloseTo(transfer / 1e3, 6);
        expect(figures.share).toBeCloseTo(total / wide / view.tracks, 6);
        lengths.sort((a, b) => a - b);
        const sum = lengths.reduce((a, b) => a + b, 0);
        expect(figures.mean ?? -1).toBeCloseTo(lengths.length === 0 ? -1 : sum / lengths.length / 1e3, 6);
        expect(figures.max ?? -1).toBeCloseTo((lengths.at(-1) ?? -1e3) / 1e3, 6);
        for (const [p, value] of [[0.5, figures.p50] as const, [0.95, figures.p95] as const]) {
          const exact = (lengths[Math.ceil(p * lengths.length) - 1] ?? -1e3) / 1e3;
          expect(Math.abs((value ?? -1) / exact - 1)).toBeLessThan(0.01);
        }
      }
    }),
    { numRuns: 100 },
  );
});
