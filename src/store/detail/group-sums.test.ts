import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_GROUP, type GroupQuery, type WindowQuery } from '../../model/batch.ts';
import { attach, busyOf, busyOfRows, finishedOf, type Row, workerOf } from '../history.fixture.ts';
import { Capture } from '../paging/capture.ts';
import { Pager } from '../paging/pager.ts';
import { MemoryFile, smallPager } from '../paging/pages.fixture.ts';
import { StateReader, StateWriter, textOf } from '../paging/state.ts';
import { WindowCursor } from '../queries/cursors.ts';
import { Store } from '../store.ts';

const BASE = 1_700_000_000;
/** By host: 6 tracks, 4, and 2, which are too few for a sum of their own. */
const HOSTS = [['a', 'b', 'c'], ['d', 'e'], ['f']] as const;
const WORKERS = HOSTS.flat().map((name) => `tcp://${name}:1`);
const THREADS = 2;
const TRACKS = WORKERS.length * THREADS;
const FUNCTIONS = ['inc', 'dec', 'add'];

/** `mean` seconds a task; some take hundreds of times as long. They are told in an order that is not that of their times. */
function rowsOf(seed: number, count: number, mean: number): Row[] {
  let state = seed;
  const draw = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const free = new Float64Array(TRACKS);
  const rows = Array.from({ length: count }, (_, i): Row => {
    const track = Math.floor(draw() * TRACKS);
    const start = BASE + free[track]!;
    const length = mean * draw() * (draw() < 0.02 ? 400 : 1);
    free[track]! += length + mean * 0.1;
    const worker = WORKERS[Math.floor(track / THREADS)]!;
    const fn = FUNCTIONS[Math.floor(draw() * 3)]!;
    const transfer = draw() < 0.3 ? ([start - mean * 0.1, start] as const) : undefined;
    return { key: `${fn}-${i}`, fn, worker, thread: track % 2, compute: [start, start + length], transfer };
  });
  return rows.map((row) => ({ ...row, erred: draw() < 0.01 }));
}

function newStore(pager = new Pager()): Store {
  const store = new Store({ monotonic: () => 0, pager });
  attach(store, 'Scheduler-1', BASE);
  const added = HOSTS.flatMap((names, host) =>
    names.map((name) => ({ ...workerOf(store, `tcp://${name}:1`, name, THREADS), host: `host-${host}` })),
  );
  store.accept({ kind: 'tick', time: BASE, workers: { added } });
  for (const name of FUNCTIONS) store.intern('function', name);
  return store;
}

function feed(store: Store, rows: readonly Row[]): void {
  for (let at = 0; at < rows.length; at += 500) {
    store.accept({ kind: 'tick', time: BASE + 1e6, finished: finishedOf(store, rows.slice(at, at + 500)) });
  }
}

/** What the rows of groups must show. */
function expectedOf(store: Store, rows: readonly Row[], query: WindowQuery, groups: readonly GroupQuery[]) {
  const found = new Map<string, number>();
  for (const [key, busy] of busyOfRows(store, rows, { ...query, tracks: null })) {
    const [track = '', ...rest] = key.split(' ');
    for (const { row, ranges } of groups) {
      const isIn = ranges.some((from, i) => i % 2 === 0 && Number(track) >= from && Number(track) < ranges[i + 1]!);
      const of = [row, ...rest].join(' ');
      if (isIn) found.set(of, (found.get(of) ?? 0) + busy);
    }
  }
  return found;
}

function answered(store: Store, query: WindowQuery, steps: number): ReturnType<typeof busyOf> {
  const cursor = new WindowCursor(store, query);
  let batch = cursor.step(steps);
  while (batch === null) batch = cursor.step(steps);
  if (batch.mode !== 'shares') throw new Error('groups are shares');
  expect(batch.level).toBe(query.level);
  return busyOf(batch);
}

const GROUPS: readonly GroupQuery[] = [
  { row: FIRST_GROUP, ranges: [0, TRACKS] },
  { row: FIRST_GROUP + 1, ranges: [0, 6] },
  // A host less one of its tracks, and another one with one too many.
  { row: FIRST_GROUP + 2, ranges: [1, 6] },
  { row: FIRST_GROUP + 3, ranges: [6, 11] },
];

const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('sums of groups', () => {
  const COUNT = 24_000;
  /** About how long a history is, seconds, for each second that a task takes. */
  const stretch = COUNT / TRACKS;
  const made = [0.002, 0.02, 0.2].map((mean, seed) => {
    const rows = rowsOf(seed + 1, COUNT, mean);
    const store = newStore();
    feed(store, rows);
    return { mean, rows, store };
  });
  const queries = fc.record({
    at: share,
    wide: share,
    level: fc.integer({ min: 14, max: 30 }),
    functions: fc.constantFrom(null, [1], [2, 3]),
  });

  function queryOf(
    mean: number,
    { at, wide, level, functions }: typeof queries extends fc.Arbitrary<infer T> ? T : never,
  ) {
    const whole = mean * stretch * 4e6;
    // No more bins than an answer may have.
    const length = Math.min(1 + wide * whole, 2 ** level * 8_000);
    const since = Math.floor(BASE * 1e6 - 1e6 + at * whole);
    return { since, until: Math.floor(since + length), level, functions, tracks: [], groups: GROUPS, maxSlices: 0 };
  }

  it('begin where they have far fewer rows than the tracks', () => {
    for (const { store } of made) {
      const [a, b, c] = [0, 6, 10].map((track) => store.sums.at(track, 30));
      expect([...(a?.tracks ?? [])].sort()).toEqual([0, 1, 2, 3, 4, 5]);
      expect([...(b?.tracks ?? [])].sort()).toEqual([6, 7, 8, 9]);
      expect(c).toBeNull();
      const all = [-1e15, 1e17] as const;
      let rows = 0;
      for (let track = 0; track < 6; track++) rows += store.slices.rowsIn(track, 0, ...all, 0);
      expect(store.sums.rowsIn(0, ...all)).toBeLessThan(rows / 8);
    }
  });

  it('make any window of any groups what their tracks’ slices say, however many steps it takes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 }), queries, fc.constantFrom(2_000, Infinity), (which, drawn, steps) => {
        const { mean, rows, store } = made[which]!;
        const query = queryOf(mean, drawn);
        expect(answered(store, query, steps)).toEqual(expectedOf(store, rows, query, GROUPS));
      }),
      { numRuns: 60 },
    );
  });

  it('are taken up as they were put down, and are not missed when they were given up', () => {
    const [, second] = made;
    const { mean, rows } = second!;
    const file = new MemoryFile();
    const pager = smallPager(200, file);
    const store = newStore(pager);
    const half = COUNT / 2;
    feed(store, rows.slice(0, half));
    const state = new StateWriter();
    store.save(state);
    const capture = new Capture(pager, state.pages);
    feed(store, rows.slice(half));
    while (!capture.step(100));
    capture.commit();
    const { numbers, words, texts } = state.parts;
    const whole = {
      numbers: Float64Array.from(numbers.flatMap((part) => [...part])),
      words: Uint32Array.from(words.flatMap((part) => [...part])),
      texts: texts.map((text) => textOf(text())),
    };
    const other = new Store({ monotonic: () => 0, pager: smallPager(200) });
    other.load(new StateReader(whole, { file, slots: capture.slots }));
    expect(other.sums.at(0, 30)).not.toBeNull();
    feed(other, rows.slice(half));
    const query = queryOf(mean, { at: 0, wide: 0.5, level: 22, functions: null });
    const expected = expectedOf(store, rows, query, GROUPS);
    expect(expected.size).toBeGreaterThan(20);
    expect(answered(other, query, 1_000)).toEqual(expected);
    expect(answered(store, query, 1_000)).toEqual(expected);
    expect(store.sums.drop()).toBe(true);
    expect(store.sums.drop()).toBe(false);
    expect(store.sums.at(0, 30)).toBeNull();
    expect(answered(store, query, 1_000)).toEqual(expected);
  });
});
