import fc from 'fast-check';
import { expect, it } from 'vitest';
import { atOnce } from '../../base/steps.ts';
import type { WindowQuery } from '../../model/batch.ts';
import { UNMATCHED } from '../../model/task-state.ts';
import { toMicros } from '../../model/units.ts';
import { attach, busyOf, busyOfRows, finishedOf, type Row } from '../../store/history.fixture.ts';
import { WindowCursor } from '../../store/queries/cursors.ts';
import { functionsView, searchSteps, sharesView, tasksPage } from '../../store/queries/queries.ts';
import { Store } from '../../store/store.ts';
import { keyTest, textTest, windowMatch } from './text-test.ts';

const BASE = 1_700_000_000;

/** What both RE2 and the language's own patterns mean the same by. */
const patterns = fc.constantFrom(
  ...[
    '^inc',
    '[02468]$',
    'c-[0-9]*7',
    '(inc|dec)-1',
    'e',
    '',
    'ad+-',
    'x?-3',
    'none',
    "^\\('add', 1",
    '[A-Z]',
    '-(1|2)\\d?$',
  ],
);

const histories: fc.Arbitrary<Row[]> = fc
  .array(fc.record({ fn: fc.constantFrom('inc', 'dec', 'add', 'Zip'), gap: fc.nat(30), length: fc.nat(200) }), {
    minLength: 1,
    maxLength: 60,
  })
  .map((tasks) => {
    let end = 0;
    return tasks.map(({ fn, gap, length }, i): Row => {
      const start = end + gap;
      end = start + length + 1;
      const key = fn === 'add' ? `('add', ${i % 12})` : i === 40 ? `größe-${i}` : `${fn}-${i % 12}`;
      return { key, fn, worker: 'w', thread: 1, compute: [BASE + start / 1e3, BASE + end / 1e3], erred: i % 9 === 8 };
    });
  });

function storeOf(rows: readonly Row[]): Store {
  const store = new Store({ monotonic: () => 0 });
  attach(store, 'Scheduler-1', BASE);
  store.accept({ kind: 'tick', time: BASE + 100, finished: finishedOf(store, rows) });
  return store;
}

it('a pattern leaves the same tasks in the picture, in sums and in lists: those in whose keys it is found', () => {
  fc.assert(
    fc.property(histories, patterns, fc.integer({ min: 4, max: 20 }), (rows, text, level) => {
      const store = storeOf(rows);
      const pattern = new RegExp(text);
      const matches = ({ key }: Row): boolean => pattern.test(key);
      const wanted = rows.filter(matches);
      const until = rows.at(-1)!.compute[1] + 0.001;
      const filter = { text, regex: true as const };
      const query: WindowQuery = {
        since: BASE * 1e6,
        until: Math.ceil(until * 1e6),
        level,
        functions: null,
        filter,
        maxSlices: 0,
      };
      const batch = new WindowCursor(store, query, undefined, windowMatch(filter)).next()!;
      if (batch.mode !== 'shares') throw new Error('slices were not asked for');
      expect(busyOf(batch)).toEqual(busyOfRows(store, rows, { ...query, level: batch.level }, matches));
      const slices = new WindowCursor(store, { ...query, maxSlices: 9_999 }, undefined, windowMatch(filter)).next()!;
      if (slices.mode !== 'slices') throw new Error('they are few');
      expect(Array.from(slices.category, (category) => category < UNMATCHED)).toEqual(
        Array.from(slices.record, (record) => matches(rows[record]!)),
      );
      const only = { text: keyTest(text, true) };
      const figures = functionsView(store, { since: BASE, until, sort: 'count', limit: 10, only });
      expect(figures.functions.reduce((sum, { count }) => sum + count, 0)).toBe(wanted.length);
      const { groups } = sharesView(store, { since: BASE, until, bins: 7, by: 'function', only });
      const busy = groups.flatMap(({ shares }) => shares.flatMap((share) => share.busy)).reduce((a, b) => a + b, 0);
      const micros = wanted.map(({ compute: [start, stop] }) => toMicros(stop) - toMicros(start));
      expect(Math.round(busy * 1e6)).toBe(micros.reduce((sum, one) => sum + one, 0));
      const keys = wanted.map(({ key }) => key);
      expect(tasksPage(store, { ...only, limit: 100 }).tasks.map(({ key }) => key)).toEqual(keys);
      const found = searchSteps(store, {
        test: textTest({ text, regex: true, capitals: 'matter' }),
        fields: ['key'],
        order: 'oldest',
        limit: 100,
        counted: true,
        bins: 0,
      });
      expect(atOnce(found)).toMatchObject({ total: keys.length, tasks: keys.map((key) => ({ key })) });
    }),
    { numRuns: 80 },
  );
});

it('what a window was told of a pattern is known to the next one that has it', () => {
  const store = storeOf([{ key: 'inc-1', fn: 'inc', worker: 'w', thread: 1, compute: [BASE, BASE + 1] }]);
  const matches = (text: string) => windowMatch({ text, regex: true }).text;
  const query = { since: BASE, until: BASE + 2, sort: 'count', limit: 1 } as const;
  expect(functionsView(store, { ...query, only: { text: matches('c-\\d') } }).total).toBe(1);
  expect(functionsView(store, { ...query, only: { text: 'c-\\d' } }).total).toBe(0);
  expect(functionsView(store, { ...query, only: { text: matches('c-\\d') } }).total).toBe(1);
});
