import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_LEVEL, MIN_LEVEL, type WindowQuery } from '../../model/batch.ts';
import { toMicros } from '../../model/units.ts';
import { answeredWhileFed, attach, busyOf, busyOfRows, finishedOf, type Row } from '../history.fixture.ts';
import { WindowCursor } from '../queries/cursors.ts';
import { sharesView } from '../queries/queries.ts';
import { Store } from '../store.ts';

const BASE = 1_700_000_000;

/** Many tasks of one kind behind one another. Milliseconds of any size: levels differ by what is long and what is short. */
interface Burst {
  readonly fn: string;
  readonly thread: number;
  readonly at: number;
  readonly count: number;
  readonly length: number;
  readonly gap: number;
  readonly transfer: boolean;
  readonly erred: boolean;
}

/** From 10^low to 10^high milliseconds. */
const scale = (low: number, high: number) => fc.double({ min: low, max: high, noNaN: true }).map((x) => 10 ** x);

const bursts: fc.Arbitrary<Burst[]> = fc.array(
  fc.record({
    fn: fc.constantFrom('inc', 'dec', 'add', 'mul'),
    thread: fc.integer({ min: 1, max: 2 }),
    at: scale(0, 8),
    count: fc.integer({ min: 1, max: 400 }),
    length: scale(-3, 5),
    gap: scale(-3, 4),
    transfer: fc.boolean(),
    erred: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);

function rowsOf(all: readonly Burst[], order: number): Row[] {
  const rows = all.flatMap(({ fn, thread, at, count, length, gap, transfer, erred }) =>
    Array.from({ length: count }, (_, i): Row => {
      const start = BASE + (at + i * (length + gap)) / 1e3;
      const stop = start + length / 1e3;
      return {
        key: `${fn}-${i}`,
        fn,
        worker: 'tcp://a:1',
        thread,
        compute: [start, stop],
        transfer: transfer ? [start - gap / 2e3, start] : undefined,
        erred: erred && i % 7 === 0,
      };
    }),
  );
  // One that lasts longer than a column of lengths holds.
  const [first] = rows;
  rows.push({ ...first!, key: 'long', compute: [first!.compute[0], first!.compute[0] + 5_000] });
  // From sorted to thoroughly mixed.
  const place = rows.map((_, i) => i + ((Math.imul(i + 1, 0x9e3779b1) >>> 0) / 2 ** 32) * order * rows.length);
  return place
    .map((value, i) => [value, i] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([, i]) => rows[i]!);
}

function storeOf(rows: readonly Row[], parts: number): Store {
  const store = new Store({ monotonic: () => 0 });
  attach(store, 'Scheduler-1', BASE);
  const size = Math.ceil(rows.length / parts);
  for (let at = 0; at < rows.length; at += size) {
    const some = rows.slice(at, at + size);
    store.accept({ kind: 'tick', time: BASE + 200_000, finished: finishedOf(store, some) });
  }
  return store;
}

/** A window that starts at one row and ends `share` of the history later. */
function queryOf(rows: readonly Row[], at: number, share: number, level: number): WindowQuery {
  const starts = rows.map((row) => row.compute[0] * 1e6);
  const since = Math.floor(starts[Math.floor(at * (starts.length - 1))]!);
  const all = Math.max(...rows.map((row) => row.compute[1])) * 1e6 - Math.min(...starts);
  return { since, until: since + Math.ceil(1 + all * share), level, functions: null, maxSlices: 0 };
}

/** What slices of one kind on one track take of [since, until), µs, as their times say it. */
function busyBetween(store: Store, rows: readonly Row[], track: number, name: string, since: number, until: number) {
  let sum = 0;
  rows.forEach((row, record) => {
    if (store.records.track.at(record) !== track) return;
    const own = (row.erred ? 'erred' : row.fn) === name ? [row.compute] : [];
    if (row.transfer !== undefined && name === 'transfer') own.push(row.transfer);
    for (const times of own) {
      const start = toMicros(times[0]);
      sum += Math.max(0, Math.min(until, Math.max(start + 1, toMicros(times[1]))) - Math.max(since, start));
    }
  });
  return sum;
}

const parts = fc.integer({ min: 1, max: 5 });
const part = fc.double({ min: 0, max: 1, noNaN: true });
const levels = fc.integer({ min: MIN_LEVEL, max: MAX_LEVEL });
const functions = fc.constantFrom(null, [1], [2, 3]);
const tracks = fc.constantFrom(null, [0], [1, 17]);

describe('levels of detail', () => {
  it('answer any window at any level exactly as the slices do, in whatever order they came', () => {
    fc.assert(
      fc.property(bursts, part, parts, part, part, levels, functions, tracks, (made, order, n, at, share, ...rest) => {
        const [level, functions, tracks] = rest;
        const rows = rowsOf(made, order);
        const store = storeOf(rows, n);
        const query = { ...queryOf(rows, at, share, level), functions, tracks };
        const batch = new WindowCursor(store, query).next()!;
        // An empty window is answered with no slices; its grid reaches a little beyond it.
        if (batch.mode === 'slices') expect(batch.record).toHaveLength(0);
        else expect(busyOf(batch)).toEqual(busyOfRows(store, rows, { ...query, level: batch.level }));
      }),
      { numRuns: 120 },
    );
  });

  it('give the API the same numbers', () => {
    fc.assert(
      fc.property(bursts, part, part, part, fc.integer({ min: 1, max: 300 }), (made, order, at, share, bins) => {
        const rows = rowsOf(made, order);
        const store = storeOf(rows, 2);
        const { since, until } = queryOf(rows, at, share, 0);
        const view = sharesView(store, { since: since / 1e6, until: until! / 1e6, bins, by: 'track' });
        const width = 2 ** view.level;
        const first = Math.round((view.start * 1e6) / width);
        const sums = busyOfRows(store, rows, {
          since: first * width,
          until: (first + view.bins) * width,
          level: view.level,
          functions: null,
          maxSlices: 0,
        });
        const busy = view.groups.flatMap((group) => group.shares.flatMap((share) => share.busy));
        const total = busy.reduce((a, b) => a + Math.round(b * 1e6), 0);
        expect(total).toBe([...sums.values()].reduce((a, b) => a + b, 0));
      }),
      { numRuns: 40 },
    );
  });

  it('answer a window that does not lie on the grid as its slices do, but for its first and last bin', () => {
    fc.assert(
      fc.property(bursts, part, part, part, fc.integer({ min: 2, max: 300 }), (made, order, at, share, bins) => {
        const rows = rowsOf(made, order);
        const store = storeOf(rows, 2);
        const { since, until } = queryOf(rows, at, share, 0);
        const view = sharesView(store, { since: since / 1e6, until: until! / 1e6, bins, by: 'track' });
        const [first, width] = [Math.round(view.start * 1e6), Math.round(view.bin * 1e6)];
        expect(first <= since && since < first + width).toBe(true);
        expect(first + (view.bins - 1) * width < until! && until! <= first + view.bins * width).toBe(true);
        view.groups.forEach(({ shares }, track) => {
          const told = new Map(shares.map(({ kind, name, busy }) => [kind === 'function' ? name : kind, busy]));
          for (const name of ['inc', 'dec', 'add', 'mul', 'erred', 'transfer']) {
            const busy = (told.get(name) ?? []).map((seconds) => Math.round(seconds * 1e6));
            const inner = busy.slice(1, -1).reduce((sum, each) => sum + each, 0);
            expect(inner).toBe(busyBetween(store, rows, track, name, first + width, first + (view.bins - 1) * width));
            const exact = busyBetween(store, rows, track, name, since, until!);
            const edges = (busy[0] ?? 0) + (view.bins > 1 ? (busy.at(-1) ?? 0) : 0);
            expect(exact).toBeGreaterThanOrEqual(inner);
            expect(exact).toBeLessThanOrEqual(inner + edges);
          }
        });
      }),
      { numRuns: 40 },
    );
  });

  it('answer in steps, while more comes, what they answer at once afterwards', () => {
    fc.assert(
      fc.property(bursts, part, part, levels, fc.constantFrom(0, 50, 5_000), (made, order, share, level, maxSlices) => {
        const rows = rowsOf(made, order);
        const half = Math.ceil(rows.length / 2);
        const store = storeOf(rows.slice(0, half), 1);
        const query = { ...queryOf(rows, 0, share, level), maxSlices };
        const { live: a, fresh: b } = answeredWhileFed(store, query, rows.slice(half), BASE + 200_000);
        expect(a.mode).toBe(b.mode);
        for (const track of b.tracks()) {
          expect(a.sharesOf(track)).toEqual(b.sharesOf(track));
          expect(a.slicesOf(track)?.length).toBe(b.slicesOf(track)?.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('make an answer coarser that would be too large', () => {
    const rows = Array.from({ length: 100 }, (_, thread): Row => {
      return { key: 'k', fn: 'inc', worker: 'tcp://a:1', thread, compute: [BASE, BASE + 20] };
    });
    const store = storeOf(rows, 1);
    const query = { since: BASE * 1e6, until: BASE * 1e6 + 16e6, level: 10, functions: null, maxSlices: 0 };
    const batch = new WindowCursor(store, query).next()!;
    expect(batch.mode === 'shares' && [batch.level, batch.bin.length < 6e5, batch.track.length]).toEqual([
      12,
      true,
      100,
    ]);
    const narrow = new WindowCursor(store, { ...query, tracks: [7] }).next()!;
    expect(narrow.mode === 'shares' && [narrow.level, narrow.track]).toEqual([10, Uint32Array.of(7)]);
  });
});
