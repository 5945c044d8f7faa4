import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MIN_LEVEL, type WindowQuery } from '../../model/batch.ts';
import { attach, busyOf, finishedOf, type Row } from '../history.fixture.ts';
import { WindowCursor } from '../queries/cursors.ts';
import { sharesView } from '../queries/queries.ts';
import { Store } from '../store.ts';
import { gridOver, MAX_BINS } from './shares.ts';

const BASE = 1_700_000_000;
const DAY = 86_400;

/** What a window holds, µs. */
function busyIn(store: Store, query: Pick<WindowQuery, 'since' | 'until' | 'level'>): number {
  const batch = new WindowCursor(store, { ...query, functions: null, maxSlices: 0 }).next()!;
  if (batch.mode !== 'shares') throw new Error('slices were not expected');
  return [...busyOf(batch).values()].reduce((sum, busy) => sum + busy, 0);
}

/** A task of an hour at the beginning of each day. */
function daily(days: number): Store {
  const store = new Store({ monotonic: () => 0 });
  attach(store, 'Scheduler-1', BASE);
  const rows = Array.from({ length: days }, (_, day): Row => {
    const start = BASE + day * DAY;
    return { key: `hour-${day}`, fn: 'hour', worker: 'tcp://a:1', thread: 1, compute: [start, start + 3_600] };
  });
  store.accept({ kind: 'tick', time: BASE + days * DAY, finished: finishedOf(store, rows) });
  return store;
}

describe('gridOver', () => {
  it('covers all of any range with no more bins than there may be, and no coarser than it must be', () => {
    const level = fc.integer({ min: MIN_LEVEL, max: 40 });
    const limit = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: MAX_BINS }));
    // Lengths of all sizes, and edges that many coarse bins share.
    const length = fc.integer({ min: 0, max: 51 }).chain((bits) => fc.integer({ min: 1, max: 2 ** bits }));
    const middle = fc.oneof(fc.integer({ min: 0, max: 2 ** 51 }), fc.constantFrom(0, 2 ** 50, 3 * 2 ** 49, 2 ** 51));
    fc.assert(
      fc.property(
        middle,
        length,
        fc.double({ min: 0, max: 1, noNaN: true }),
        level,
        limit,
        (at, long, share, k, most) => {
          const since = Math.max(0, at - Math.floor(share * long));
          const until = since + long;
          const grid = gridOver(since, until, k, most);
          const width = 2 ** grid.level;
          expect(grid.count).toBeLessThanOrEqual(most);
          expect(grid.level).toBeGreaterThanOrEqual(k);
          expect(grid.firstBin * width).toBeLessThanOrEqual(since);
          expect((grid.firstBin + grid.count) * width).toBeGreaterThanOrEqual(until);
          const half = width / 2;
          if (grid.level > k) expect(Math.ceil(until / half) - Math.floor(since / half)).toBeGreaterThan(most);
        },
      ),
    );
  });

  it('takes what lies before epoch for nothing', () => {
    expect(gridOver(-1e15, 1e15, 0, 1)).toMatchObject({ firstBin: 0, count: 1 });
    expect(gridOver(-9, -5, MIN_LEVEL)).toMatchObject({ firstBin: 0, count: 1 });
  });
});

describe('a long history', () => {
  const days = 900;
  const store = daily(days);
  const until = BASE + days * DAY;

  it.each([1, 2, 7, 100, 700, 1_440])('is all there in %i bins', (bins) => {
    const view = sharesView(store, { since: BASE, until, bins, by: 'function' });
    expect(view.bins).toBeLessThanOrEqual(bins);
    const [group] = view.groups;
    const busy = group!.shares[0]!.busy.reduce((sum, each) => sum + each, 0);
    expect(busy).toBeCloseTo(days * 3_600, 3);
    const idle = group!.idle.reduce((sum, each) => sum + each, 0);
    expect(busy + idle).toBeCloseTo(view.bins * view.bin, 0);
  });

  it.each([
    ['a window from the beginning on', { since: BASE * 1e6, until: null }],
    ['a window that is over', { since: BASE * 1e6, until: until * 1e6 }],
    ['a window since ever', { since: 0, until: null }],
  ])('is all there in %s, finely asked', (_, range) => {
    for (const level of [20, 31, 36]) expect(busyIn(store, { ...range, level })).toBe(days * 3_600e6);
  });

  it('is told exactly where many lanes of a row are busy through a wide bin', () => {
    const wide = new Store({ monotonic: () => 0 });
    attach(wide, 'Scheduler-1', BASE);
    const rows = Array.from({ length: 3 }, (_, lane): Row => {
      return { key: `lane-${lane}`, fn: 'lane', worker: 'tcp://a:1', thread: 1, compute: [BASE, BASE + 100 * DAY] };
    });
    wide.accept({ kind: 'tick', time: BASE + 100 * DAY, finished: finishedOf(wide, rows) });
    expect(busyIn(wide, { since: BASE * 1e6, until: null, level: 33 })).toBe(300 * DAY * 1e6);
  });
});
