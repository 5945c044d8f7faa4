import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Top } from './top.ts';

it('keeps the greatest, and of equal ones the first', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 200 }), fc.nat(30), (values, limit) => {
      const top = new Top(limit);
      for (const [item, value] of values.entries()) top.offer(item, value);
      const sorted = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b);
      expect(top.list()).toEqual(sorted.slice(0, limit));
    }),
  );
});
