import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PackedColumn } from './packed-column.ts';

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
      const column = new PackedColumn(bits, relative);
      for (const item of values) column.push(item);
      expect(values.map((_, i) => column.at(i))).toEqual(values);
    }),
  );
});

it('keeps small numbers small, also beyond its first chunk', () => {
  const column = new PackedColumn(16);
  const times = new PackedColumn(32, true);
  for (let i = 0; i < 100_000; i++) {
    column.push(i % 60_000);
    times.push(1.7e15 + i * 1000);
  }
  expect([column.at(99_999), times.at(99_999)]).toEqual([39_999, 1.7e15 + 99_999_000]);
  expect(column.bytes).toBeLessThan(2.4 * 100_000);
  expect(times.bytes).toBeLessThan(4.7 * 100_000);
});
