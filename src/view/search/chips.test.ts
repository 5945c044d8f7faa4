import { expect, test } from 'vitest';
import { chipsOf, partOf } from './chips.ts';
import { NO_FILTER, type TaskFilter } from './tasks-state.ts';

const FILTER: TaskFilter = {
  functions: ['inc', 'add'],
  workers: ['w-1'],
  status: 'erred',
  least: 0.5,
  most: 90,
  key: 'x-',
  pattern: false,
};

test('each part of a filter is a chip that can be taken off by itself', () => {
  const chips = chipsOf(FILTER);
  expect(chips.map(({ kind, value }) => `${kind} ${value}`)).toEqual([
    'function inc',
    'function add',
    'worker w-1',
    'status erred',
    'longer than 500 ms',
    'shorter than 90 s',
    'key contains x-',
  ]);
  expect(chipsOf({ ...FILTER, pattern: true }).at(-1)).toMatchObject({ kind: 'key matches', value: 'x-' });
  expect(chips[0]?.without).toEqual({ functions: ['add'] });
  let rest = FILTER;
  for (const { kind } of chips) rest = { ...rest, ...chipsOf(rest).find((chip) => chip.kind === kind)?.without };
  expect(rest).toEqual(NO_FILTER);
});

test('what is typed becomes a part of the filter, or is refused', () => {
  expect(partOf(FILTER, 'function', 'inc')).toEqual({ functions: ['inc', 'add'] });
  expect(partOf(NO_FILTER, 'worker', 'w-2')).toEqual({ workers: ['w-2'] });
  expect(partOf(NO_FILTER, 'longer than', '1.5 s')).toEqual({ least: 1.5 });
  expect(partOf(NO_FILTER, 'shorter than', '20')).toEqual({ most: 20 });
  expect(partOf(NO_FILTER, 'status', 'lost')).toEqual({ status: 'lost' });
  expect(partOf({ ...NO_FILTER, key: 'a', pattern: true }, 'key contains', 'b')).toEqual({ key: 'b', pattern: false });
  expect(partOf(FILTER, 'key matches', '^inc-[0-9]+$')).toEqual({ key: '^inc-[0-9]+$', pattern: true });
  for (const [kind, value] of [
    ['status', 'done'],
    ['longer than', 'long'],
    ['shorter than', '-1'],
    ['function', ''],
  ] as const)
    expect(partOf(NO_FILTER, kind, value), `${kind} ${value}`).toBe(null);
});
