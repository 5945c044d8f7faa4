import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NumberDecoder, NumberEncoder, NumberModels } from './number-coder.ts';

/** Small and large ones, of either sign, of some kinds. */
const number = fc.record({
  kind: fc.nat(3),
  signed: fc.boolean(),
  value: fc.oneof(fc.nat(3), fc.nat(5_000), fc.maxSafeNat(), fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1)),
  below: fc.boolean(),
});

function written(numbers: readonly { kind: number; signed: boolean; value: number }[]): Uint8Array {
  const encoder = new NumberEncoder();
  const models = new NumberModels();
  for (const { kind, signed, value } of numbers) {
    if (signed) encoder.signed(models.of(kind), value);
    else encoder.whole(models.of(kind), value);
  }
  return encoder.finish();
}

describe('numbers', () => {
  test('come back as they were written', () => {
    fc.assert(
      fc.property(fc.array(number, { maxLength: 300 }), (drawn) => {
        const numbers = drawn.map((one) => ({
          ...one,
          value: one.signed && one.below && one.value ? -one.value : one.value,
        }));
        const decoder = new NumberDecoder(written(numbers));
        const models = new NumberModels();
        const read = numbers.map(({ kind, signed }) =>
          signed ? decoder.signed(models.of(kind)) : decoder.whole(models.of(kind)),
        );
        expect(read).toEqual(numbers.map(({ value }) => value));
      }),
    );
  });

  test('take about what they say: noise its digits, what repeats nearly nothing', () => {
    let seed = 1;
    const draw = (): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed / 2 ** 32;
    };
    const noise = Array.from({ length: 20_000 }, () => Math.floor(draw() * 5_000));
    const of = (values: readonly number[]) =>
      written(values.map((value) => ({ kind: 0, signed: false, value }))).length;
    expect((of(noise) * 8) / noise.length).toBeLessThan(Math.log2(5_000) + 0.1);
    expect(of(new Array(20_000).fill(77_777_777))).toBeLessThan(20_000 * 4);
    expect(of(new Array(20_000).fill(5))).toBeLessThan(100);
  });

  test('that are cut off end in an error', () => {
    const bytes = written(Array.from({ length: 100 }, (_, i) => ({ kind: 0, signed: false, value: i ** 6 })));
    for (const end of [0, 3, 20, bytes.length - 30]) {
      expect(() => {
        const decoder = new NumberDecoder(bytes.subarray(0, end));
        const models = new NumberModels();
        for (let i = 0; i < 100; i++) decoder.whole(models.of(0));
      }).toThrow(RangeError);
    }
  });
});
