import { expect, test } from 'vitest';
import { wholeOf } from './selection.ts';

test('a task is gone to with its wait and its transfers, but not with a wait beside which it would not be seen', () => {
  expect(wholeOf({ ready: 9, start: 10, stop: 12 })).toEqual([9e6, 12e6]);
  expect(wholeOf({ ready: null, start: 10, stop: 12 })).toEqual([10e6, 12e6]);
  expect(wholeOf({ ready: 0, start: 100, stop: 101 })).toEqual([100e6, 101e6]);
  // Clocks of workers differ.
  expect(wholeOf({ ready: 11, start: 10, stop: 12 })).toEqual([10e6, 12e6]);
  expect(wholeOf({ ready: 1, start: 2, stop: null })).toBeNull();
});
