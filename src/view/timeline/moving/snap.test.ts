import { describe, expect, it } from 'vitest';
import type { SlicesBatch } from '../../../model/batch.ts';
import { WindowData } from '../../../store/detail/window-data.ts';
import { snapTime } from './snap.ts';

/** `[track, start, stop]` each. */
function dataOf(...slices: readonly [number, number, number][]): WindowData {
  const data = new WindowData();
  const batch: SlicesBatch = {
    mode: 'slices',
    seq: 1,
    now: 1,
    query: { since: 0, until: null, level: 4, functions: null, maxSlices: 99 },
    reset: true,
    record: Uint32Array.from(slices.keys()),
    track: Uint32Array.from(slices, ([track]) => track),
    category: new Uint32Array(slices.length).fill(8),
    fn: new Uint32Array(slices.length),
    start: Float64Array.from(slices, ([, start]) => start),
    stop: Float64Array.from(slices, ([, , stop]) => stop),
  };
  data.apply(batch);
  return data;
}

describe('snapTime', () => {
  const data = dataOf([0, 100, 200], [0, 210, 900], [1, 150, 206], [2, 205, 205.5]);

  it('finds the nearest edge of the rows that it is given, either end of a slice', () => {
    expect(snapTime(data, [0], 203, 10)).toBe(200);
    expect(snapTime(data, [0], 208, 10)).toBe(210);
    expect(snapTime(data, [0, 1], 203, 10)).toBe(200);
    expect(snapTime(data, [0, 1], 204, 10)).toBe(206);
    expect(snapTime(data, [0], 903, 10)).toBe(900);
  });

  it('leaves a time alone where nothing is near, or nothing is drawn one by one', () => {
    expect(snapTime(data, [0], 500, 10)).toBeNull();
    expect(snapTime(data, [7], 203, 10)).toBeNull();
    expect(snapTime(null, [0], 203, 10)).toBeNull();
    expect(snapTime(new WindowData(), [0], 203, 10)).toBeNull();
  });

  it('finds edges of runs and of history, where nothing else is nearer and at any width', () => {
    expect(snapTime(null, [], 98, 10, [0, 95, 1_000])).toBe(95);
    expect(snapTime(data, [0], 98, 10, [95])).toBe(100);
    expect(snapTime(null, [], 98, 10, [0, 1_000])).toBeNull();
  });
});
