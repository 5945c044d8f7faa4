import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Capture } from '../paging/capture.ts';
import { Pager } from '../paging/pager.ts';
import { MemoryFile, smallPager } from '../paging/pages.fixture.ts';
import { StateReader, StateWriter } from '../paging/state.ts';
import { TrackTable } from './track-slices.ts';

const ALWAYS = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
const TRACKS = 40;

/** A slice that comes to a track, as far as a table is concerned. */
function grow(table: TrackTable, track: number, start: number): void {
  const of = table.grow(track);
  const index = start % 7;
  const list = of.lists[index] ?? { blocks: [], rows: 0 };
  of.lists[index] = { blocks: [...list.blocks, start], rows: list.rows + 1 };
  if (start % 3 === 0) of.levels.lists[start % 6] = { blocks: [start, track], rows: start };
  of.levels.tryAt[start % 6] = start;
  of.longest[index] = Math.max(of.longest[index]!, start);
  of.rows++;
  of.firstStart = Math.min(of.firstStart, start);
  of.lastStop = Math.max(of.lastStop, start + 1.5);
}

function contents(table: TrackTable): unknown {
  return Array.from({ length: TRACKS }, (_, track) => {
    const of = table.within(track, ...ALWAYS);
    return [table.lastStop(track), of === null ? null : structuredClone({ ...of, grew: false })];
  });
}

const track = fc.nat(TRACKS - 1);
const step = fc.oneof({ weight: 9, arbitrary: track }, { weight: 1, arbitrary: fc.constantFrom('put down', 'look') });

it('a table of tracks holds the same whoever rests, and what is put down is of one moment', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 30, maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      (steps, lookEvery) => {
        const file = new MemoryFile();
        const pager = smallPager(4, file);
        const table = new TrackTable(pager, lookEvery);
        const plain = new TrackTable(new Pager(), Number.POSITIVE_INFINITY);
        let state: StateWriter | null = null;
        let saved: unknown;
        let capture: Capture | null = null;
        steps.forEach((what, time) => {
          if (typeof what === 'number') {
            for (const each of [table, plain]) grow(each, what, time);
          } else if (what === 'look') {
            expect(contents(table)).toEqual(contents(plain));
            state?.step();
          } else if (state === null) {
            state = new StateWriter();
            saved = contents(table);
            table.save(state);
            capture = new Capture(pager, state.pages);
            capture.step(1);
          }
        });
        expect(contents(table)).toEqual(contents(plain));
        if (state === null) return;
        const { numbers, words } = (state as StateWriter).parts;
        while (!capture!.step(10));
        const joined = {
          numbers: Float64Array.from(numbers.flatMap((part) => [...part])),
          words: Uint32Array.from(words.flatMap((part) => [...part])),
          texts: [],
        };
        const taken = new TrackTable(smallPager(4, file), lookEvery);
        taken.load(new StateReader(joined, { file, slots: capture!.slots! }));
        expect(contents(taken)).toEqual(saved);
      },
    ),
    { numRuns: 300 },
  );
});

it('rows to which nothing comes any more are not in memory', () => {
  const pager = smallPager(16);
  const table = new TrackTable(pager);
  for (let track = 0; track < 20_000; track++) {
    for (let i = 0; i < 5; i++) grow(table, track, track * 40 + i);
    // One that stays.
    grow(table, 0, track * 40 + 7);
  }
  expect(table.awake).toBeLessThan(100);
  expect(pager.memory.charged).toBeLessThan(20_000 * 50);
  expect(pager.memory.bytes).toBeLessThan(32 * 1_024);
  expect(table.within(7, 0, 280)).toBeNull();
  expect(table.within(7, 280, 281)).toMatchObject({ rows: 5, firstStart: 280, lastStop: 285.5 });
  expect(table.within(7, 286, 900)).toBeNull();
});
