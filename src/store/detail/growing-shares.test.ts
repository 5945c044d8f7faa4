import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GrowingShares } from './growing-shares.ts';
import type { TrackShares } from './window-data.ts';

type Entry = readonly [bin: number, category: number, busy: number];

const entriesOf = ({ length, bin, category, busy }: TrackShares): Entry[] => {
  expect([bin.length, category.length, busy.length]).toEqual([length, length, length]);
  return Array.from({ length }, (_, i) => [bin[i]!, category[i]!, busy[i]!]);
};

const columnsOf = (entries: readonly Entry[], wide: boolean) => {
  const busy = entries.map(([, , micros]) => micros);
  return {
    length: entries.length,
    bin: Uint16Array.from(entries, ([bin]) => bin),
    category: Uint16Array.from(entries, ([, category]) => category),
    busy: wide ? Float64Array.from(busy) : Uint32Array.from(busy),
  };
};

/** Entries of some bins from one on, in their order. */
const tail = fc.record({
  from: fc.integer({ min: 0, max: 60 }),
  bins: fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 2 ** 33 })), { maxLength: 100 }),
  wide: fc.boolean(),
});

const LARGEST = 0xffff_ffff;

it('holds what it was told, and knows from which bin on a state is another', () => {
  fc.assert(
    fc.property(fc.array(tail, { maxLength: 30 }), fc.boolean(), (steps, pushes) => {
      const first: Entry[] = [
        [0, 3, 7],
        [2, 1, 9],
        [2, 5, 1],
      ];
      const known = columnsOf(first, false);
      const growing = new GrowingShares(known);
      let model = first;
      const states = [{ step: growing.state(1).growth!.step, model }];
      for (const { from, bins, wide } of steps) {
        const added = bins.map(
          ([category, busy], i): Entry => [from + i, category, wide ? busy : Math.min(busy, LARGEST)],
        );
        model = [...model.filter(([bin]) => bin < from), ...added];
        growing.cut(from, added.length);
        if (pushes) for (const entry of added) growing.push(entry[0], entry[1], Math.min(entry[2], LARGEST));
        else growing.append(columnsOf(added, wide), 0, added.length);
        if (pushes) model = model.map(([bin, category, busy]) => [bin, category, Math.min(busy, LARGEST)]);
        const state = growing.state(4);
        expect(entriesOf(state)).toEqual(model);
        expect(state.lanes).toBe(4);
        expect(state.growth!.of).toBe(growing);
        for (const before of states) {
          const changed = growing.changedFrom(before.step);
          const below = (entries: readonly Entry[]): Entry[] => entries.filter(([bin]) => bin < changed);
          expect(below(model)).toEqual(below(before.model));
        }
        states.push({ step: state.growth!.step, model });
        expect(growing.changedFrom(states.at(-2)!.step)).toBe(from);
      }
      expect(growing.changedFrom(growing.state(1).growth!.step)).toBe(Number.POSITIVE_INFINITY);
      // What it began with lies in a message and is left alone.
      expect(entriesOf({ ...known, lanes: 1 })).toEqual(first);
    }),
    { numRuns: 200 },
  );
});
