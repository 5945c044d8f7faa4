import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_GROUP, type GroupQuery, groupSize, type WindowQuery } from '../model/batch.ts';
import { CATEGORY_ERRED, CATEGORY_FUNCTION, CATEGORY_TRANSFER } from '../model/task-state.ts';
import type { WindowData } from './detail/window-data.ts';
import { attach, busyOf, busyOfRows, finishedOf, type Row, workerOf } from './history.fixture.ts';
import { ResourcesCursor, RunningCursor, StateCursor, stateSnapshot, WindowCursor } from './queries/cursors.ts';
import { sharesView } from './queries/queries.ts';
import { Replica } from './replica.ts';
import { Store } from './store.ts';

const BASE = 1_700_000_000;
const WORKERS = ['tcp://a:1', 'tcp://b:1'];

/** Rows with starts within a minute, in any order, some of them long, some overlapping. */
const rows: fc.Arbitrary<Row[]> = fc.array(
  fc.record({
    key: fc.string({ maxLength: 5 }),
    fn: fc.constantFrom('inc', 'dec', 'add'),
    worker: fc.constantFrom(...WORKERS),
    thread: fc.integer({ min: 1, max: 3 }),
    compute: fc
      .tuple(fc.integer({ min: 0, max: 60_000_000 }), fc.integer({ min: 0, max: 9_000_000 }))
      .map(([at, length]): [number, number] => [BASE + at / 1e6, BASE + (at + length) / 1e6]),
    transfer: fc.option(
      fc
        .tuple(fc.integer({ min: 0, max: 60_000_000 }), fc.integer({ min: 1, max: 500_000 }))
        .map(([at, length]): [number, number] => [BASE + at / 1e6, BASE + (at + length) / 1e6]),
      { nil: undefined },
    ),
    erred: fc.boolean(),
  }),
  { maxLength: 60 },
);
const query: fc.Arbitrary<WindowQuery> = fc.record({
  since: fc.integer({ min: -1_000_000, max: 50_000_000 }).map((at) => BASE * 1e6 + at),
  until: fc.option(
    fc.integer({ min: 50_000_001, max: 80_000_000 }).map((at) => BASE * 1e6 + at),
    { nil: null },
  ),
  level: fc.integer({ min: 14, max: 24 }),
  functions: fc.constantFrom(null, [1], [1, 3]),
  maxSlices: fc.constantFrom(0, 20, 1000),
});

function newStore(): Store {
  const store = new Store({ monotonic: () => 0 });
  attach(store, 'Scheduler-1', BASE);
  store.accept({ kind: 'tick', time: BASE, workers: { added: WORKERS.map((w) => workerOf(store, w)) } });
  return store;
}

function isIn({ ranges }: GroupQuery, track: number): boolean {
  return ranges.some((from, i) => i % 2 === 0 && track >= from && track < ranges[i + 1]!);
}

/** What a window holds, written down row by row. */
function dump(data: WindowData): unknown {
  const tracks = [...data.tracks()].sort((a, b) => a - b);
  return {
    mode: data.mode,
    tracks: tracks.flatMap((track) => {
      const slices = data.slicesOf(track);
      const shares = data.sharesOf(track);
      if (slices !== undefined) {
        const list = Array.from({ length: slices.length }, (_, i) => [
          slices.start[i],
          slices.stop[i],
          slices.record[i],
        ]);
        return list.map((slice) => [track, ...slice]);
      }
      if (shares === undefined) return [];
      const base = data.firstBin;
      return Array.from({ length: shares.length }, (_, i) => [
        track,
        base + shares.bin[i]!,
        shares.category[i],
        shares.busy[i],
      ]);
    }),
  };
}

describe('windows', () => {
  it('hold after live appends what a fresh window holds', () => {
    fc.assert(
      fc.property(rows, query, fc.integer({ min: 1, max: 5 }), (all, q, parts) => {
        const store = newStore();
        const live = new Replica(() => 0);
        const cursor = new WindowCursor(store, q);
        live.window(1);
        const pull = () => {
          const batch = cursor.next();
          if (batch !== null) live.apply({ kind: 'window', id: 1, batch });
        };
        pull();
        for (let part = 0; part < parts; part++) {
          const some = all.filter((_, i) => i % parts === part);
          store.accept({ kind: 'tick', time: BASE + 70, finished: finishedOf(store, some) });
          pull();
        }
        const fresh = new Replica(() => 0);
        fresh.window(1);
        fresh.apply({ kind: 'window', id: 1, batch: new WindowCursor(store, q).next()! });
        const [a, b] = [live.window(1), fresh.window(1)];
        // The grid of an open window depends on when it was made; on the same grid both say the same.
        if (a.mode === 'shares' && b.mode === 'shares' && (a.level !== b.level || q.until === null)) return;
        expect(dump(a)).toEqual(dump(b));
      }),
      { numRuns: 150 },
    );
  });

  it('give shares that equal brute force exactly on the grid', () => {
    fc.assert(
      fc.property(rows, query, (all, q) => {
        const store = newStore();
        store.accept({ kind: 'tick', time: BASE + 70, finished: finishedOf(store, all) });
        const batch = new WindowCursor(store, { ...q, maxSlices: 0 }).next()!;
        // An empty window is answered with no slices; its grid reaches a little beyond it.
        if (batch.mode === 'slices') expect(batch.record).toHaveLength(0);
        else expect(busyOf(batch)).toEqual(busyOfRows(store, all, { ...q, level: batch.level }));
      }),
      { numRuns: 150 },
    );
  });

  it('list the categories of a bin in order, however many there are', () => {
    for (const functions of [1, 2, 3, 16, 17, 90]) {
      const store = newStore();
      // Backwards, and each of them twice, with others between.
      const all = Array.from({ length: 2 * functions }, (_, i): Row => {
        const at = BASE + 1 + i / 1e3;
        const fn = `f${(2 * functions - 1 - i) % functions}`;
        return { key: `k${i}`, fn, worker: WORKERS[0]!, thread: 1, compute: [at, at + (i + 1) / 1e5] };
      });
      for (let fn = 0; fn < functions; fn++) store.intern('function', `f${fn}`);
      store.accept({ kind: 'tick', time: BASE + 70, finished: finishedOf(store, all) });
      const q = { since: BASE * 1e6, until: (BASE + 60) * 1e6, level: 24, functions: null, maxSlices: 0 };
      const batch = new WindowCursor(store, q).next()!;
      if (batch.mode !== 'shares') throw new Error('they are shares');
      expect(busyOf(batch)).toEqual(busyOfRows(store, all, { ...q, level: batch.level }));
      expect(new Set(batch.category).size).toBe(functions);
      const places = Array.from(batch.bin, (bin, i) => bin * 1e5 + batch.category[i]!);
      expect(places).toEqual([...places].sort((a, b) => a - b));
    }
  });

  it('are coarser for somebody who waits where that is much less work, and as exact', () => {
    const store = newStore();
    // So many tasks of one function that levels are kept: at 2^17 µs one row in place of a dozen tasks.
    const all = Array.from({ length: 6_000 }, (_, i): Row => {
      const at = BASE + i / 100;
      return { key: `k${i}`, fn: 'inc', worker: WORKERS[0]!, thread: 1, compute: [at, at + 0.009] };
    });
    store.accept({ kind: 'tick', time: BASE + 70, finished: finishedOf(store, all) });
    const q = { since: BASE * 1e6, until: (BASE + 60) * 1e6, level: 16, functions: null, maxSlices: 0 };
    const groups = [{ row: FIRST_GROUP, ranges: [0, 2] }];
    const ask = (more: Partial<WindowQuery>, rows: number) => {
      const batch = new WindowCursor(store, { ...q, ...more }, rows).next()!;
      if (batch.mode !== 'shares') throw new Error('they are shares');
      return batch;
    };
    expect(ask({}, 1_000).level).toBe(16);
    expect(ask({ quick: true }, 10_000).level).toBe(16);
    const sooner = ask({ quick: true }, 1_000);
    expect(sooner.level).toBe(17);
    expect(busyOf(sooner)).toEqual(busyOfRows(store, all, { ...q, level: 17 }));
    const grouped = ask({ quick: true, tracks: [], groups }, 1_000);
    expect(grouped.level).toBe(17);
    expect([...grouped.busy]).toEqual([...sooner.busy]);
  });

  it('add up groups exactly, at once and as records come', () => {
    const ranges = fc
      .uniqueArray(fc.integer({ min: 0, max: 8 }), { maxLength: 6 })
      .map((bounds) => (bounds.length % 2 === 0 ? bounds : bounds.slice(1)).sort((a, b) => a - b));
    const groups = fc
      .array(ranges, { minLength: 1, maxLength: 4 })
      .map((all) => all.map((of, i): GroupQuery => ({ row: FIRST_GROUP + 7 * i, ranges: of })));
    const tracks = fc.constantFrom<number[] | undefined>(undefined, [], [0, 3]);
    fc.assert(
      fc.property(
        rows,
        query,
        groups,
        tracks,
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        // Others who look at the same from an earlier moment on, and who come and go while somebody does.
        fc.array(fc.record({ earlier: fc.nat(30_000_000), comes: fc.nat(5), stays: fc.nat(5) }), { maxLength: 3 }),
        (all, q, of, own, parts, late, others) => {
          const store = newStore();
          const asked = { ...q, maxSlices: 0, groups: of, ...(own === undefined ? {} : { tracks: own }) };
          const viewers = [{ earlier: 0, comes: 0, stays: parts }, ...others].map(({ earlier, comes, stays }, id) => {
            const query = { ...asked, since: q.since - earlier };
            const live = new Replica(() => 0);
            return { id, comes, goes: comes + stays, query, live, cursor: new WindowCursor(store, query) };
          });
          const inOrder: Row[] = [];
          let part = 0;
          const come = () => {
            const some = all.filter((_, i) => i % parts === part);
            part++;
            inOrder.push(...some);
            store.accept({ kind: 'tick', time: BASE + 70, finished: finishedOf(store, some) });
          };
          // The first answer and what comes after it, each in steps of a few rows; between two of them more may come.
          const pull = ({ live, cursor }: (typeof viewers)[number]) => {
            live.window(1);
            let batch = cursor.step(9);
            while (cursor.unfinished) {
              if (late && part < parts) come();
              batch = cursor.step(9);
            }
            if (batch !== null) live.apply({ kind: 'window', id: 1, batch });
          };
          while (part < parts) {
            come();
            // Who was served first is served last the next time.
            const there = viewers.filter(({ comes, goes }) => comes < part && part <= goes);
            for (const viewer of part % 2 === 0 ? there : there.reverse()) pull(viewer);
          }
          for (const viewer of viewers.filter(({ comes, goes }) => comes < parts && parts <= goes)) {
            // Nothing comes any more, but something did after its last turn.
            pull(viewer);
            check(viewer);
          }
          function check({ query, live }: (typeof viewers)[number]): void {
            const data = live.window(1);
            expect(data.mode).toBe('shares');
            const until = q.until ?? (data.firstBin + 16_384) * 2 ** data.level;
            const at = { ...q, since: query.since, until, level: data.level };
            const single = busyOfRows(store, inOrder, at);
            const expected = new Map<string, number>();
            for (const [place, busy] of single) {
              const [track = '', bin, category] = place.split(' ');
              const rowsOf = of.filter((group) => isIn(group, Number(track))).map(({ row }) => row);
              if (own?.includes(Number(track)) !== false) rowsOf.push(Number(track));
              for (const row of rowsOf) {
                const key = `${row} ${bin} ${category}`;
                expected.set(key, (expected.get(key) ?? 0) + busy);
              }
            }
            const found = new Map<string, number>();
            for (const row of data.tracks()) {
              const shares = data.sharesOf(row)!;
              const group = of.find((candidate) => candidate.row === row);
              expect(shares.lanes).toBe(group === undefined ? 1 : groupSize(group));
              for (let i = 0; i < shares.length; i++)
                found.set(`${row} ${data.firstBin + shares.bin[i]!} ${shares.category[i]}`, shares.busy[i]!);
            }
            expect(found).toEqual(expected);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('are sent anew only when they have doubled while they follow what happens', () => {
    const store = newStore();
    const finish = (second: number): void => {
      const compute: [number, number] = [BASE + second, BASE + second + 0.5];
      const row: Row = { key: `k-${second}`, fn: 'inc', worker: WORKERS[0]!, thread: 1, compute, erred: false };
      store.accept({ kind: 'tick', time: BASE + second + 1, finished: finishedOf(store, [row]) });
    };
    const groups = [{ row: FIRST_GROUP, ranges: [0, 9] }];
    const cursor = new WindowCursor(store, {
      since: BASE * 1e6,
      until: null,
      level: 14,
      functions: null,
      maxSlices: 0,
      groups,
    });
    let [resets, deltas] = [0, 0];
    for (let second = 0; second < 100; second++) {
      finish(second);
      const batch = cursor.next();
      if (batch?.reset === true) resets++;
      else if (batch !== null) deltas++;
    }
    expect(resets + deltas).toBe(100);
    expect(resets).toBeLessThan(10);
  });

  it('keep sums of groups that outgrow 32 bits', () => {
    const store = newStore();
    const hour = 3_600;
    const all = WORKERS.flatMap((worker) =>
      [1, 2, 3].map((thread): Row => ({ key: 'k', fn: 'inc', worker, thread, compute: [BASE, BASE + hour] })),
    );
    store.accept({ kind: 'tick', time: BASE + hour, finished: finishedOf(store, all) });
    const q = { since: BASE * 1e6, until: (BASE + hour) * 1e6, level: 31, functions: null, tracks: [], maxSlices: 0 };
    const batch = new WindowCursor(store, { ...q, groups: [{ row: FIRST_GROUP, ranges: [0, 6] }] }).next()!;
    if (batch.mode !== 'shares') throw new Error('groups are shares');
    expect(Array.from(batch.busy).reduce((a, b) => a + b, 0)).toBe(6 * hour * 1e6);
    expect(Math.max(...batch.busy)).toBeGreaterThan(2 ** 32);
  });

  it('answer with slices up to the limit and with shares beyond it', () => {
    const store = newStore();
    const row = (i: number): Row => ({
      key: `k${i}`,
      fn: 'inc',
      worker: WORKERS[0]!,
      thread: 1,
      compute: [BASE + i, BASE + i + 0.5],
    });
    const cursor = new WindowCursor(store, {
      since: BASE * 1e6,
      until: null,
      level: 20,
      functions: null,
      maxSlices: 2,
    });
    expect(cursor.next()).toMatchObject({ mode: 'slices', reset: true });
    expect(cursor.next()).toBeNull();
    store.accept({ kind: 'tick', time: BASE + 1, finished: finishedOf(store, [row(0), row(1)]) });
    expect(cursor.next()).toMatchObject({ mode: 'slices', reset: false, record: Uint32Array.of(0, 1) });
    store.accept({ kind: 'tick', time: BASE + 3, finished: finishedOf(store, [row(2)]) });
    expect(cursor.next()).toMatchObject({ mode: 'shares', reset: true });
  });

  it('coarsen a grid that would have too many bins', () => {
    const store = newStore();
    const row: Row = { key: 'k', fn: 'inc', worker: WORKERS[0]!, thread: 1, compute: [BASE, BASE + 1] };
    store.accept({ kind: 'tick', time: BASE + 1, finished: finishedOf(store, [row]) });
    const q = { since: 0, until: BASE * 2e6, level: 4, functions: null, maxSlices: 0 };
    const batch = new WindowCursor(store, q).next()!;
    expect(batch.mode === 'shares' && batch.level).toBeGreaterThan(30);
  });
});

describe('sharesView', () => {
  it('adds up to the wall time of every track and names what took it', () => {
    const store = newStore();
    const at = (a: number, b: number): [number, number] => [BASE + a, BASE + b];
    store.accept({
      kind: 'tick',
      time: BASE + 9,
      finished: finishedOf(store, [
        {
          key: 'a',
          fn: 'inc',
          worker: WORKERS[0]!,
          thread: 1,
          compute: at(1, 2),
          transfer: at(0, 1),
          from: WORKERS[1]!,
        },
        { key: 'b', fn: 'add', worker: WORKERS[0]!, thread: 1, compute: at(2, 4), erred: true },
      ]),
    });
    const view = sharesView(store, { since: BASE, until: BASE + 8, bins: 8, by: 'track' });
    const [first] = view.groups;
    const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    expect(first?.shares.map(({ kind, name, busy }) => [kind, name, total(busy)])).toEqual([
      ['erred', 'erred', 2],
      ['transfer', 'transfer', 1],
      ['function', 'inc', 1],
    ]);
    const busy = first!.shares.reduce((sum, row) => sum + total(row.busy), 0);
    expect(busy + total(first!.idle)).toBeCloseTo(view.bin * view.bins, 6);
    expect([CATEGORY_ERRED, CATEGORY_TRANSFER]).toEqual([0, 1]);
    expect(() => sharesView(store, { since: BASE, until: BASE + 1e6, bins: 2e6, by: 'track' })).toThrow(
      /ask for fewer/,
    );
    expect(CATEGORY_FUNCTION).toBeGreaterThan(CATEGORY_TRANSFER);
  });
});

describe('Replica', () => {
  it('has a clock that stands still with its scheduler, never leaps back for a pause, and follows one that was stepped', () => {
    let ms = 0;
    const replica = new Replica(() => ms);
    replica.link = { ...replica.link, state: 'connected' };
    const nothing = { track: new Uint32Array(), fn: new Uint32Array(), start: new Float64Array(), keys: [] };
    const hear = (now: number) => replica.apply({ kind: 'running', batch: { seq: 1, reset: false, ...nothing, now } });
    hear(BASE);
    const seen: number[] = [];
    for (ms = 100; ms <= 4_000; ms += 100) {
      // Silent from the first second on.
      hear(BASE + Math.min(ms / 1000, 1));
      seen.push(replica.clock());
    }
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBeLessThan(BASE + 2.2);
    hear(BASE + 4);
    expect(replica.clock()).toBe(BASE + 4);
    hear(BASE - 3_600);
    expect(replica.clock()).toBe(BASE - 3_600);
  });

  it('follows a store by its cursors', () => {
    const store = newStore();
    const replica = new Replica(() => 0);
    const cursors = [new StateCursor(store), new RunningCursor(store), new ResourcesCursor(store)] as const;
    const sync = () => {
      const [state, running, resources] = [cursors[0].next(), cursors[1].next(), cursors[2].next()];
      if (state) replica.apply({ kind: 'state', batch: state });
      if (running) replica.apply({ kind: 'running', batch: running });
      if (resources) replica.apply({ kind: 'resources', batch: resources });
    };
    sync();
    expect(replica.tracks.map((track) => track.address)).toEqual([WORKERS[0], WORKERS[0], WORKERS[1], WORKERS[1]]);
    const fn = store.intern('function', 'inc');
    const worker = store.intern('worker', WORKERS[0]!);
    store.accept({
      kind: 'tick',
      time: BASE + 1,
      running: { reset: false, started: [{ key: 'k', fn, worker, start: BASE + 0.5 }], ended: [] },
      functions: {
        fn: Uint32Array.of(fn),
        states: Uint32Array.of(0, 0, 0, 1, 2, 3, 0),
        forgotten: Float64Array.of(0),
        nbytes: Float64Array.of(56),
      },
    });
    sync();
    expect(replica.functionRow(fn)).toMatchObject({ name: 'inc', total: 6, nbytes: 56, states: [0, 0, 0, 1, 2, 3, 0] });
    expect(replica.running.get(0)).toEqual({ fn, start: (BASE + 0.5) * 1e6, key: 'k' });
    expect(replica.processing).toBe(1);
    expect(replica.seq).toBe(store.seq);
    store.accept({
      kind: 'tick',
      time: BASE + 2,
      running: { reset: false, started: [], ended: ['k'] },
      functions: {
        fn: Uint32Array.of(fn),
        states: Uint32Array.of(0, 0, 0, 0, 3, 3, 0),
        forgotten: Float64Array.of(0),
        nbytes: Float64Array.of(84),
      },
    });
    sync();
    expect(replica.processing).toBe(0);
    expect(replica.running.size).toBe(0);
    expect(replica.runs).toHaveLength(1);
    expect(cursors[0].next()).toBeNull();
  });

  it('hears of a gap however many there were before, and of nothing that a reset does not bring', () => {
    const store = newStore();
    const replica = new Replica(() => 0);
    const cursor = new StateCursor(store);
    const sync = () => {
      const batch = cursor.next();
      if (batch !== null) replica.apply({ kind: 'state', batch });
    };
    store.accept({ kind: 'tick', time: BASE, cost: { share: 0.01, perTask: 3, loopLag: 0 } });
    for (let i = 0; i < 1_200; i++) {
      store.accept({ kind: 'gap', since: BASE + i, until: BASE + i + 1, size: i, reason: 'overload' });
      if (i % 300 === 0) sync();
    }
    sync();
    expect(replica.gaps).toHaveLength(1_000);
    expect(replica.gaps.at(-1)?.size).toBe(1_199);
    expect(replica.cost).not.toBeNull();
    replica.apply({ kind: 'state', batch: stateSnapshot(new Store({ monotonic: () => 0 })) });
    expect([replica.cost, replica.follow, replica.cluster]).toEqual([null, null, null]);
  });
});
