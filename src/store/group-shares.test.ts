import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_GROUP, type GroupQuery, type WindowQuery } from '../model/batch.ts';
import { GroupShares } from './detail/group-shares.ts';
import { MAX_BINS } from './detail/shares.ts';
import type { TrackShares, TrackSlices } from './detail/window-data.ts';
import { attach, finishedOf, type Row, workerOf } from './history.fixture.ts';
import { WindowCursor } from './queries/cursors.ts';
import { Replica } from './replica.ts';
import { Store } from './store.ts';

const BASE = 1_700_000_000;
const WORKERS = ['tcp://a:1', 'tcp://b:1'];
const TRACKS = 6;

const rows: fc.Arbitrary<Row[]> = fc.array(
  fc.record({
    key: fc.string({ maxLength: 5 }),
    fn: fc.constantFrom('inc', 'dec', 'add'),
    worker: fc.constantFrom(...WORKERS),
    thread: fc.integer({ min: 1, max: 3 }),
    compute: fc
      .tuple(fc.integer({ min: 0, max: 60_000_000 }), fc.integer({ min: 1, max: 9_000_000 }))
      .map(([at, length]): [number, number] => [BASE + at / 1e6, BASE + (at + length) / 1e6]),
    erred: fc.boolean(),
  }),
  { maxLength: 60 },
);

/** Times on the grid of the level, as a page asks for them. */
const query: fc.Arbitrary<WindowQuery> = fc
  .record({
    level: fc.integer({ min: 13, max: 24 }),
    since: fc.integer({ min: 0, max: 50_000_000 }),
    until: fc.option(fc.integer({ min: 50_000_001, max: 80_000_000 }), { nil: null }),
    functions: fc.constantFrom(null, [1], [1, 3]),
    groups: fc.array(
      fc
        .uniqueArray(fc.integer({ min: 0, max: TRACKS }), { minLength: 2, maxLength: 4 })
        .map((ends) => ends.sort((a, b) => a - b).slice(0, ends.length - (ends.length % 2))),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ level, since, until, functions, groups }) => {
    const bin = 2 ** level;
    const aligned = (at: number): number => Math.floor((BASE * 1e6 + at) / bin) * bin;
    const asked: GroupQuery[] = groups.map((ranges, i) => ({ row: FIRST_GROUP + i, ranges }));
    const from = aligned(since);
    const to = until === null ? null : Math.max(from, aligned(until)) + bin;
    return { since: from, until: to, level, functions, tracks: [], groups: asked, maxSlices: 0 };
  });

describe('groups that came as slices', () => {
  it('are the sums that the server makes, at once and as tasks come', () => {
    fc.assert(
      fc.property(rows, query, fc.integer({ min: 1, max: 5 }), (all, q, parts) => {
        const store = new Store({ monotonic: () => 0 });
        attach(store, 'Scheduler-1', BASE);
        store.accept({ kind: 'tick', time: BASE, workers: { added: WORKERS.map((w) => workerOf(store, w)) } });
        const page = new Replica(() => 0);
        const slices = page.window(1);
        const asSlices = new WindowCursor(store, { ...q, maxSlices: 1_000 });
        const pull = (): void => {
          const batch = asSlices.next();
          if (batch !== null) page.apply({ kind: 'window', id: 1, batch });
        };
        pull();
        for (let part = 0; part < parts; part++) {
          const some = all.filter((_, i) => i % parts === part);
          store.accept({ kind: 'tick', time: BASE + 70, finished: finishedOf(store, some) });
          pull();
          // Whatever was looked at before, what came since is in it.
          if (part % 2 === 0) for (const { row } of q.groups ?? []) slices.sharesOf(row);
        }
        expect(slices.mode).toBe('slices');
        const shares = page.window(2);
        page.apply({ kind: 'window', id: 2, batch: new WindowCursor(store, q).next()! });
        for (const { row } of q.groups ?? []) {
          const before = slices.sharesOf(row);
          expect(slices.sharesOf(row)).toBe(before);
          expect(dump(before, slices.firstBin)).toEqual(dump(shares.sharesOf(row), shares.firstBin));
          expect([slices.level, before?.lanes]).toEqual([shares.level, shares.sharesOf(row)?.lanes]);
        }
        expect(slices.sharesOf(FIRST_GROUP + 9)).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });
});

it('get wider bins when a window outgrows them, and stay exact', () => {
  const sums = new GroupShares(
    { since: 0, until: null, level: 4, functions: null, groups: [{ row: FIRST_GROUP, ranges: [0, 2] }], maxSlices: 9 },
    () => slices,
  );
  let slices: TrackSlices | undefined;
  let busy = 0;
  for (let seconds = 1; seconds < 300; seconds *= 3) {
    const stop = seconds * 1e6 + 7;
    const before = slices?.stop ?? [];
    busy += stop - 3;
    slices = {
      length: before.length + 1,
      record: new Uint32Array(before.length + 1),
      category: new Uint32Array(before.length + 1).fill(9),
      fn: new Uint32Array(before.length + 1),
      start: new Float64Array(before.length + 1).fill(3),
      stop: Float64Array.of(...before, stop),
    };
    sums.change(1, 3, stop);
    const { level, count } = sums.grid;
    expect(count).toBeLessThanOrEqual(MAX_BINS);
    expect(count * 2 ** level).toBeGreaterThanOrEqual(stop);
    expect([...sums.of(FIRST_GROUP)!.busy].reduce((sum, micros) => sum + micros)).toBe(busy);
  }
});

function dump(shares: TrackShares | undefined, firstBin: number): unknown {
  return Array.from({ length: shares?.length ?? 0 }, (_, i) => [
    firstBin + shares!.bin[i]!,
    shares!.category[i],
    shares!.busy[i],
  ]);
}
