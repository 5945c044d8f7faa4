import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PackedColumn } from './packed-column.ts';
import { Pager } from './pager.ts';
import { smallPager } from './pages.fixture.ts';

const value = fc.oneof(
  fc.nat(255),
  fc.nat(70_000),
  fc.nat(),
  fc.maxSafeInteger(),
  fc.constantFrom(Number.NaN, 0.5, -1, 2 ** 32, 1.7e15, 1.7e15 + 2 ** 31),
);

it('gives back what was put in, whatever the widths', () => {
  fc.assert(
    fc.property(fc.array(value), fc.constantFrom(8, 16, 32), fc.boolean(), (values, bits, relative) => {
      const column = new PackedColumn(bits, new Pager(), { relative });
      for (const item of values) column.push(item);
      expect(values.map((_, i) => column.at(i))).toEqual(values);
    }),
  );
});

it('gives back what was put in when nearly all of it is in a file', () => {
  const runs = fc.array(fc.tuple(value, fc.integer({ min: 1, max: 900 })), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(runs, fc.constantFrom(8, 16, 32), fc.boolean(), (values, bits, relative) => {
      const column = new PackedColumn(bits, smallPager(2), { relative });
      const all = values.flatMap(([item, times]) => new Array<number>(times).fill(item));
      for (const item of all) column.push(item);
      expect(all.map((_, i) => column.at(i))).toEqual(all);
    }),
  );
});

it('keeps small numbers small, also beyond its first chunk', () => {
  const column = new PackedColumn(16);
  const times = new PackedColumn(32, new Pager(), { relative: true });
  for (let i = 0; i < 200_000; i++) {
    column.push(i % 60_000);
    times.push(1.7e15 + i * 1000);
  }
  expect([column.at(199_999), times.at(199_999)]).toEqual([199_999 % 60_000, 1.7e15 + 199_999_000]);
  expect(column.bytes).toBeLessThan(2.4 * 200_000);
  expect(times.bytes).toBeLessThan(4.7 * 200_000);
});

it('gives up its oldest chunks, which read as nothing', () => {
  const pager = smallPager(100);
  const column = new PackedColumn(8, pager, { lost: 7 });
  for (let i = 0; i < 5_000; i++) column.push(1);
  column.drop(2_100);
  expect([0, 2_047, 2_048, 4_999].map((row) => column.at(row))).toEqual([7, 7, 1, 1]);
  for (let i = 0; i < 3_000; i++) column.push(2);
  expect([column.at(0), column.at(5_000), column.at(7_999)]).toEqual([7, 2, 2]);
});
