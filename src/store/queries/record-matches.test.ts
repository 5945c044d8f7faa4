import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_GROUP, type WindowFilter, type WindowQuery } from '../../model/batch.ts';
import { CATEGORY_ERRED, CATEGORY_FUNCTION, UNMATCHED } from '../../model/task-state.ts';
import { toMicros } from '../../model/units.ts';
import { WindowCursor } from '../detail/window-cursor.ts';
import { answeredWhileFed, attach, busyOf, busyOfRows, finishedOf, type Row } from '../history.fixture.ts';
import { Store } from '../store.ts';
import { functionsView, sharesView } from './queries.ts';
import { matchesOf } from './record-matches.ts';

const BASE = 1_700_000_000;

/** Rows behind one another on a few threads: short and long ones, some with a transfer, some erred, keys that share parts. */
const histories: fc.Arbitrary<Row[]> = fc
  .array(
    fc.record({
      fn: fc.constantFrom('inc', 'dec', 'add'),
      thread: fc.integer({ min: 1, max: 3 }),
      gap: fc.integer({ min: 0, max: 50 }),
      length: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 60_000 })),
      transfer: fc.boolean(),
      erred: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
      count: fc.integer({ min: 1, max: 40 }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((bursts) => {
    const ends = [0, 0, 0, 0];
    return bursts.flatMap(({ fn, thread, gap, length, transfer, erred, count }) =>
      Array.from({ length: count }, (_, i): Row => {
        const start = ends[thread]! + gap + 10;
        ends[thread] = start + length;
        return {
          key: `${fn}-${i % 10}${erred ? 'x' : ''}`,
          fn,
          worker: thread === 3 ? 'tcp://b:1' : 'tcp://a:1',
          thread,
          compute: [BASE + start / 1e3, BASE + (start + length) / 1e3],
          transfer: transfer ? [BASE + (start - 5) / 1e3, BASE + start / 1e3] : undefined,
          erred,
        };
      }),
    );
  });

const filters: fc.Arbitrary<WindowFilter> = fc.oneof(
  fc.constantFrom<WindowFilter>({ status: 'erred' }, { status: 'memory' }, { status: 'lost' }, { text: 'inc-1' }),
  fc.record({ minDuration: fc.constantFrom(0.005, 0.04, 1, 30) }),
  fc.record({ maxDuration: fc.constantFrom(0, 0.01, 0.5), status: fc.constantFrom('erred', 'memory') }),
  fc.record({ minDuration: fc.constant(0.01), maxDuration: fc.constant(20), text: fc.constantFrom('-7', 'x', 'no') }),
);

const levels = fc.integer({ min: 4, max: 27 });

function storeOf(rows: readonly Row[]): Store {
  const store = new Store({ monotonic: () => 0 });
  attach(store, 'Scheduler-1', BASE);
  store.accept({ kind: 'tick', time: BASE + 100_000, finished: finishedOf(store, rows) });
  return store;
}

/** What a filter says of a row, the slow and simple way. */
function matcher({ status, minDuration = 0, maxDuration = 1e9, text = '' }: WindowFilter) {
  return ({ compute, transfer, erred, key }: Row): boolean => {
    const length = toMicros(compute[1]) - toMicros((transfer ?? compute)[0]);
    const ended = erred ? 'erred' : 'memory';
    return (
      (status === undefined || status === ended) &&
      length >= toMicros(minDuration) &&
      length <= toMicros(maxDuration) &&
      key.includes(text)
    );
  };
}

/** The window of a part of the rows. */
function queryOf(rows: readonly Row[], part: readonly [number, number], level: number): WindowQuery {
  const stop = Math.max(...rows.map(({ compute }) => compute[1]));
  const [a, b] = part.map((share) => Math.floor((BASE + (stop - BASE) * share) * 1e6)) as [number, number];
  return { since: Math.min(a, b), until: Math.max(a, b) + 1, level, functions: null, maxSlices: 0 };
}

const share = fc.double({ min: 0, max: 1, noNaN: true });
const parts = fc.tuple(share, share);

describe('a filter of a window', () => {
  it('tells what matches from the rest exactly as the slices do, at any level', () => {
    const functions = fc.constantFrom(null, [1], [2, 3]);
    const tracks = fc.constantFrom(null, [0], [1, 2]);
    fc.assert(
      fc.property(histories, filters, parts, levels, functions, tracks, (rows, filter, part, level, fns, only) => {
        const store = storeOf(rows);
        const query = { ...queryOf(rows, part, level), functions: fns, tracks: only, filter };
        const batch = new WindowCursor(store, query).next()!;
        if (batch.mode === 'slices') expect(batch.record).toHaveLength(0);
        else expect(busyOf(batch)).toEqual(busyOfRows(store, rows, { ...query, level: batch.level }, matcher(filter)));
      }),
      { numRuns: 100 },
    );
  });

  it('marks single slices, and sums in groups', () => {
    fc.assert(
      fc.property(histories, filters, levels, (rows, filter, level) => {
        const store = storeOf(rows);
        const matches = matcher(filter);
        const query = { ...queryOf(rows, [0, 1], level), since: BASE * 1e6, filter };
        const slices = new WindowCursor(store, { ...query, maxSlices: 20_000 }).next()!;
        if (slices.mode !== 'slices') throw new Error('they are few');
        expect(Array.from(slices.category, (category) => category < UNMATCHED)).toEqual(
          Array.from(slices.record, (record) => matches(rows[record]!)),
        );
        const groups = [{ row: FIRST_GROUP + 1, ranges: [0, 3] }];
        const sums = new WindowCursor(store, { ...query, tracks: [], groups }).next()!;
        if (sums.mode !== 'shares') throw new Error('groups are sums');
        const whole = new Map<string, number>();
        for (const [key, busy] of busyOfRows(store, rows, { ...query, level: sums.level }, matches)) {
          const [, bin, category] = key.split(' ');
          const of = `${FIRST_GROUP + 1} ${bin} ${category}`;
          whole.set(of, (whole.get(of) ?? 0) + busy);
        }
        expect(busyOf(sums)).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  it('answers in steps, while more comes, what it answers at once afterwards', () => {
    fc.assert(
      fc.property(histories, filters, levels, fc.constantFrom(0, 50, 5_000), (rows, filter, level, maxSlices) => {
        const half = Math.ceil(rows.length / 2);
        const store = storeOf(rows.slice(0, half));
        const query = { ...queryOf(rows, [0, 1], level), until: null, filter, maxSlices };
        const { live: a, fresh: b } = answeredWhileFed(store, query, rows.slice(half), BASE + 100_000);
        expect(a.mode).toBe(b.mode);
        for (const track of b.tracks()) {
          expect(a.sharesOf(track)).toEqual(b.sharesOf(track));
          expect([...(a.slicesOf(track)?.category ?? [])].sort()).toEqual(
            [...(b.slicesOf(track)?.category ?? [])].sort(),
          );
        }
      }),
      { numRuns: 30 },
    );
  });

  it('gives the API the same numbers', () => {
    fc.assert(
      fc.property(histories, filters, fc.integer({ min: 1, max: 300 }), (rows, filter, bins) => {
        const store = storeOf(rows);
        const matches = matcher(filter);
        const until = Math.max(...rows.map(({ compute }) => compute[1])) + 0.001;
        const view = sharesView(store, { since: BASE, until, bins, by: 'track', only: filter });
        const busy = view.groups.flatMap((group) => group.shares.flatMap((share) => share.busy));
        const since = Math.round(view.start * 1e6);
        const grid = {
          since,
          until: since + view.bins * 2 ** view.level,
          level: view.level,
          functions: null,
          maxSlices: 0,
        };
        let whole = 0;
        for (const [key, micros] of busyOfRows(store, rows, grid, matches)) {
          if (Number(key.split(' ')[2]) < UNMATCHED) whole += micros;
        }
        expect(busy.reduce((sum, seconds) => sum + Math.round(seconds * 1e6), 0)).toBe(whole);
        const figures = functionsView(store, { since: BASE, until, sort: 'count', limit: 10, only: filter });
        const count = figures.functions.reduce((sum, { count }) => sum + count, 0);
        expect(count).toBe(rows.filter(matches).length);
      }),
      { numRuns: 30 },
    );
  });

  it('counts what is left where slices were given up as not matching', () => {
    const rows = Array.from({ length: 4 }, (_, i): Row => {
      return { key: `a-${i}`, fn: 'inc', worker: 'w', thread: 1, compute: [BASE + i, BASE + i + 1], erred: i === 2 };
    });
    const store = storeOf(rows);
    // As a report whose sums are all that is left of the slices.
    store.slices.busyOf = () => 0;
    const query = { ...queryOf(rows, [0, 1], 27), filter: { status: 'memory' as const } };
    const batch = new WindowCursor(store, query).next()!;
    expect(batch.mode === 'shares' && [...new Set(batch.category)]).toEqual([
      UNMATCHED + CATEGORY_ERRED,
      UNMATCHED + CATEGORY_FUNCTION + store.strings.function.find('inc')!,
    ]);
  });

  it('looks at what comes, too, where the block of keys that it is in was looked through', () => {
    const row = (i: number, key: string): Row => {
      return { key, fn: 'inc', worker: 'w', thread: 1, compute: [BASE + i, BASE + i + 1] };
    };
    const store = storeOf([row(0, 'inc-0'), row(1, 'inc-1')]);
    const matches = matchesOf(store, { text: 'late' })!;
    expect([matches.has(0), matches.has(1)]).toEqual([false, false]);
    store.accept({
      kind: 'tick',
      time: BASE + 100_001,
      finished: finishedOf(store, [row(2, 'late-2'), row(3, 'inc-3')]),
    });
    expect([matches.has(2), matches.has(3)]).toEqual([true, false]);
  });

  it('asks a record once, and no filter is none', () => {
    const store = storeOf([{ key: 'a', fn: 'inc', worker: 'w', thread: 1, compute: [BASE, BASE + 1] }]);
    expect(matchesOf(store, {})).toBe(null);
    const matches = matchesOf(store, { text: 'a' });
    expect(matchesOf(store, { text: 'a' })).toBe(matches);
    let asked = 0;
    const counted = matchesOf(store, { text: () => ++asked > 0 });
    expect([counted?.has(0), counted?.has(0), asked]).toEqual([true, true, 1]);
  });
});
