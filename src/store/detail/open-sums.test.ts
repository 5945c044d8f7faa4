import { expect, it } from 'vitest';
import { FIRST_GROUP } from '../../model/batch.ts';
import { attach, finishedOf, type Row } from '../history.fixture.ts';
import { Store } from '../store.ts';
import type { Grid } from './shares.ts';
import { TrackGroups } from './track-groups.ts';

type Wanted = Parameters<Store['openSums']['over']>[1];

const BASE = 1_700_000_000;

function newStore(): Store {
  const store = new Store({ monotonic: () => 0 });
  attach(store, 'Scheduler-1', BASE);
  return store;
}

function finish(store: Store, tasks: number): void {
  const task = (i: number): Row => ({
    key: `inc-${i}`,
    fn: 'inc',
    worker: 'tcp://a:1',
    thread: 1,
    compute: [BASE + i / 1e3, BASE + (i + 1) / 1e3],
  });
  store.accept({
    kind: 'tick',
    time: BASE,
    finished: finishedOf(
      store,
      Array.from({ length: tasks }, (_, i) => task(i)),
    ),
  });
}

const groups = (...ranges: number[]): TrackGroups => new TrackGroups([{ row: FIRST_GROUP, ranges }]);
const grid = (firstBin: number, count: number, level = 16): Grid => ({ level, firstBin, count });
const asked: Wanted = { groups: groups(0, 9), functions: null, grid: grid(1_000, 200), filled: 100 };

it('are shared by windows that begin later and by no others', () => {
  const store = newStore();
  const first = store.openSums.over(store, asked);
  const over = (wanted: Partial<Wanted>) => store.openSums.over(store, { ...asked, ...wanted });
  expect(over({})).toBe(first);
  expect(over({ groups: groups(0, 9), grid: grid(1_020, 200) })).toBe(first);
  expect(over({ groups: groups(0, 8) })).not.toBe(first);
  expect(over({ functions: new Set([1]) })).not.toBe(first);
  expect(over({ grid: grid(1_000, 200, 17) })).not.toBe(first);
  const earlier = over({ grid: grid(990, 200) });
  expect(earlier).not.toBe(first);
  expect(over({})).toBe(earlier);
});

it('are made anew with room when they have none left, from where those began who had the last ones', () => {
  const store = newStore();
  const first = store.openSums.over(store, asked);
  const outgrown = { ...asked, grid: grid(1_010, 400), filled: 190 };
  const second = store.openSums.over(store, outgrown);
  expect(second).not.toBe(first);
  expect(second!.grid).toEqual(grid(1_000, 410));
  // Those of long ago are of no use to who begins now.
  expect(store.openSums.over(store, { ...asked, grid: grid(9_000, 200) })!.grid).toEqual(grid(9_000, 200));
  expect(store.openSums.over(store, { ...asked, grid: grid(0, 16_385) })).toBeNull();
});

it('are not taken over from a window that nobody looks at any more', () => {
  const store = newStore();
  const first = store.openSums.over(store, asked)!;
  finish(store, 8_000);
  expect(store.openSums.over(store, asked)).toBe(first);
  finish(store, 8_000);
  expect(store.openSums.over(store, asked)).not.toBe(first);
});
