import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeyColumn } from './key-column.ts';

const HASH = '0123456789abcdef'.repeat(2);
const name = fc.oneof(
  fc.constantFrom('inc', 'sum-tree-0a', 'größe', ''),
  fc.string({ unit: 'grapheme', maxLength: 9 }),
);
const rest = fc.oneof(
  fc.stringMatching(/^-[0-9a-f]{32}$/),
  fc.uuid().map((uuid) => `-${uuid}`),
  fc.constantFrom(
    `-${HASH.toUpperCase()}`,
    `-${HASH.slice(1)}`,
    `-${HASH}g`,
    `_${HASH}`,
    "', 0, 3)",
    `-${'-'.repeat(36)}`,
  ),
  fc.string({ unit: 'grapheme' }),
);
const pair = fc
  .tuple(name, rest, fc.constantFrom('group', 'tuple', 'other'))
  .map(
    ([group, end, form]) => [{ group: `${group}${end}`, tuple: `('${group}${end}`, other: end }[form], group] as const,
  );

/** Each key has a group that no other is of. */
const ofTheirOwn = {
  at: (index: number) => index,
  read: (first: number, into: Uint32Array | Float64Array) => {
    for (let i = 0; i < into.length; i++) into[i] = first + i;
  },
};

it('gives back every key, however it relates to its group', () => {
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 50 }), fc.constantFrom(1, 40), (pairs, times) => {
      const all = Array.from({ length: times }, () => pairs).flat();
      const column = new KeyColumn(ofTheirOwn, (index) => all[index]![1]);
      for (const [key, group] of all) column.push(key, group);
      const keys = all.map(([key]) => key);
      expect(all.map((_, i) => column.at(i))).toEqual(keys);
      if (all.length === 0) return;
      const from = Math.floor(all.length / 3);
      const block = column.block(from, all.length);
      const text = keys
        .slice(from)
        .map((key) => `${key}\0`)
        .join('');
      if (!/^[\0-\x7f]*$/.test(text)) expect(block).toBeNull();
      else {
        expect(block!.text).toBe(text);
        expect(
          keys.slice(from).map((_, i) => text.slice(i === 0 ? 0 : block!.ends[i - 1]! + 1, block!.ends[i])),
        ).toEqual(keys.slice(from));
      }
    }),
    { numRuns: 200 },
  );
});

it('keeps only what a key does not share with its group', () => {
  const column = new KeyColumn(ofTheirOwn, (index) => (index % 2 === 0 ? 'inc' : 'sum-0123456789abcdef'));
  for (let i = 0; i < 4_096; i += 2) {
    column.push(`inc-${HASH}`, 'inc');
    column.push(`('sum-0123456789abcdef', ${i}, 7)`, 'sum-0123456789abcdef');
  }
  expect(column.at(4_094)).toBe(`inc-${HASH}`);
  expect(column.bytes).toBeLessThan(4_096 * 18 + 48_000);
});
