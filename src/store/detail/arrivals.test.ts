import { describe, expect, it } from 'vitest';
import { CATEGORY_FUNCTION, categoryOf } from '../../model/task-state.ts';
import { Arrivals } from './arrivals.ts';
import { Slices } from './slices.ts';

/** Records of two slices each, one after the other on four tracks. */
class Made {
  readonly slices = new Slices((record) => record % 3);
  length = 0;
  readonly track = { at: (record: number) => record % 4 };
  readonly fn = { at: (record: number) => record % 3 };
  readonly start = { at: (record: number) => record * 10 };
  readonly stop = { at: (record: number) => record * 10 + 8 };

  /** `arrivals`: are told. */
  add(count: number, arrivals?: Arrivals): void {
    for (const end = this.length + count; this.length < end; this.length++) {
      const record = this.length;
      const [track, fn, start, stop] = [this.track, this.fn, this.start, this.stop].map(({ at }) => at(record));
      const row = { track: track!, record, fn: fn!, status: 0, origin: 0 };
      const both = [
        { ...row, action: 1, start: start!, stop: start! + 3 },
        { ...row, action: 0, start: start! + 3, stop: stop! },
      ];
      for (const slice of both) {
        this.slices.push(slice);
        arrivals?.note(slice, categoryOf(slice.action, slice.status, slice.fn));
      }
    }
  }
}

function told(arrivals: Arrivals, first: number): { record: number; start: number; stop: number; fn: number }[] {
  const all = [];
  for (const part of arrivals.since(first)) {
    for (let i = 0; i < part.length; i++) {
      const [record, start, stop, fn] = [part.record, part.start, part.stop, part.fn].map((column) => column.at(i));
      expect(part.track.at(i)).toBe(record! % 4);
      if (start === record! * 10 + 3) expect(part.category.at(i)).toBe(CATEGORY_FUNCTION + fn!);
      all.push({ record: record!, start: start!, stop: stop!, fn: fn! });
    }
  }
  return all.sort((a, b) => a.start - b.start);
}

function expected(first: number, end: number) {
  return Array.from({ length: end - first }, (_, i) => first + i).flatMap((record) => [
    { record, start: record * 10, stop: record * 10 + 3, fn: record % 3 },
    { record, start: record * 10 + 3, stop: record * 10 + 8, fn: record % 3 },
  ]);
}

describe('slices that came', () => {
  it('are those of the records from one on, for whoever asks, also when more have come', () => {
    const made = new Made();
    made.add(50);
    const arrivals = new Arrivals(made, made.slices);
    expect(told(arrivals, 40)).toEqual(expected(40, 50));
    expect(told(arrivals, 40)).toEqual(expected(40, 50));
    expect(told(arrivals, 47)).toEqual(expected(47, 50));
    made.add(5);
    expect(told(arrivals, 47)).toEqual(expected(47, 55));
    expect(told(arrivals, 55)).toEqual([]);
  });

  it('are the same whether they were noted as they came or are looked up', () => {
    const made = new Made();
    made.add(50);
    const arrivals = new Arrivals(made, made.slices);
    for (const count of [20, 5_000, 1, 3_000, 9_000, 2]) {
      made.add(count, arrivals);
      for (const back of [1, 30, 2_000, 4_500, 12_000]) {
        const first = Math.max(0, made.length - back);
        expect(told(arrivals, first)).toEqual(told(new Arrivals(made, made.slices), first));
      }
      expect(told(arrivals, 45)).toEqual(expected(45, made.length));
    }
  });

  it('come in parts where there are many', () => {
    const made = new Made();
    made.add(10_000);
    const arrivals = new Arrivals(made, made.slices);
    expect([...arrivals.since(0)].length).toBeGreaterThan(1);
    expect(told(arrivals, 0)).toEqual(expected(0, 10_000));
  });
});
