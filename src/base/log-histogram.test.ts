import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LogHistogram } from './log-histogram.ts';

it('gives quantiles within 1 %', () => {
  const values = fc.array(fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeInteger().map(Math.abs)), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, p) => {
      const histogram = new LogHistogram();
      for (const value of all) histogram.add(value);
      const sorted = [...all].sort((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil(p * sorted.length)) - 1]!;
      expect(Math.abs(histogram.quantile(p) - exact)).toBeLessThanOrEqual(exact / 100);
      expect([histogram.count, histogram.most]).toEqual([all.length, sorted.at(-1)]);
    }),
  );
});
