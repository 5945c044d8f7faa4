import fc from 'fast-check';
import { expect, it } from 'vitest';
import { naturalOrder } from './natural-order.ts';

it.each([
  [
    ['w10', 'w2', 'W1'],
    ['W1', 'w2', 'w10'],
  ],
  [
    ['b', 'a', ''],
    ['', 'a', 'b'],
  ],
  [
    ['127.0.0.10:8', '127.0.0.9:80', '127.0.0.9:9'],
    ['127.0.0.9:9', '127.0.0.9:80', '127.0.0.10:8'],
  ],
  [
    ['a1b', 'a1', '1a'],
    ['1a', 'a1', 'a1b'],
  ],
  [
    ['a01', 'a1', 'A1'],
    ['A1', 'a01', 'a1'],
  ],
])('puts %j in the order that people count in', (given, expected) => {
  expect([...given].sort(naturalOrder)).toEqual(expected);
});

it('is an order', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'B', '0', '1', '9', '-', '٣'), maxLength: 6 });
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      expect(naturalOrder(a, b)).toBe(-naturalOrder(b, a) + 0);
      expect(naturalOrder(a, b) === 0).toBe(a === b);
      if (naturalOrder(a, b) <= 0 && naturalOrder(b, c) <= 0) expect(naturalOrder(a, c)).toBeLessThanOrEqual(0);
    }),
  );
});
