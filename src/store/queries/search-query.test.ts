import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atOnce } from '../../base/steps.ts';
import { attach, finishedOf, type Row, workerOf } from '../history.fixture.ts';
import { Store } from '../store.ts';
import { searchSteps, tasksPage } from './queries.ts';
import type { SearchQuery } from './search-query.ts';

const BASE = 1_700_000_000;

function storeOf(rows: readonly Row[]): Store {
  const store = new Store({ monotonic: () => 0 });
  attach(store, 'Scheduler-1', BASE);
  const added = [workerOf(store, 'tcp://a:1', 'alice'), workerOf(store, 'tcp://b:1', 'bob')];
  store.accept({ kind: 'tick', time: BASE + 100, workers: { added }, finished: finishedOf(store, rows) });
  return store;
}

const row = (key: string, fn: string, worker: string, start: number, stop: number, erred = false): Row => {
  return { key, fn, worker, thread: 1, compute: [BASE + start, BASE + stop], erred };
};

const rows: readonly Row[] = [
  row('inc-0a', 'inc', 'tcp://a:1', 0, 1),
  row('inc-0b', 'inc', 'tcp://b:1', 1, 2, true),
  row('add-0a', 'add', 'tcp://a:1', 2, 5),
  row('Sum-1', 'Sum', 'tcp://b:1', 5, 5.5),
];
const store = storeOf(rows);
const all: SearchQuery = {
  test: () => true,
  fields: ['key', 'function', 'worker', 'error'],
  order: 'oldest',
  limit: 9,
  counted: true,
  bins: 0,
};
const search = (text: string, query: Partial<SearchQuery> = {}) =>
  atOnce(searchSteps(store, { ...all, test: (other) => other.includes(text), ...query }));
const found = (text: string, query: Partial<SearchQuery> = {}): string[] =>
  search(text, query).tasks.map(({ key }) => key);

describe('a search', () => {
  it('finds in blocks of keys what it finds in each, whichever way it goes and whatever else is asked', () => {
    const many = Array.from({ length: 4_000 }, (_, i) => {
      const fn = ['inc', 'Add', 'zip'][i % 3]!;
      const key = [`${fn}-${i.toString(16).padStart(32, '0')}`, `('${fn}', ${i})`, `${fn}${i}`][(i % 5) % 3]!;
      // A block with others than ASCII characters.
      return row(i === 2_500 ? `größe-${i}` : key, fn, 'tcp://a:1', i, i + 1, i % 400 === 0);
    });
    const store = storeOf(many);
    const steps = (query: Partial<SearchQuery>) =>
      atOnce(searchSteps(store, { ...all, limit: 5_000, test: () => false, fields: ['key'], ...query })).tasks;
    fc.assert(
      fc.property(
        fc.constantFrom('7', '00', '-0', "('inc'", 'add', 'dd', '0\u0000', '', 'größe-2500', 'f8', "', 3"),
        fc.boolean(),
        fc.constantFrom('oldest' as const, 'newest' as const),
        fc.constantFrom(undefined, 'inc'),
        fc.boolean(),
        (text, fold, order, name, literal) => {
          const asks = (key: string) => (fold ? key.toLowerCase() : key).includes(text);
          const test = literal ? Object.assign(asks, { literal: { text, fold } }) : asks;
          const expected = many
            .map(({ key }) => key)
            .filter((key, i) => asks(key) && (name ?? many[i]!.fn) === many[i]!.fn);
          if (order === 'newest') expected.reverse();
          expect(steps({ test, order, name }).map(({ key }) => key)).toEqual(expected);
          expect(steps({ test: () => true, order, name, text: test }).map(({ key }) => key)).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('looks at keys, functions, workers by name and address, and errors', () => {
    expect(found('0a')).toEqual(['inc-0a', 'add-0a']);
    expect(found('Sum', { fields: ['function'] })).toEqual(['Sum-1']);
    expect(found('bob')).toEqual(['inc-0b', 'Sum-1']);
    expect(found('tcp://a', { fields: ['worker'] })).toEqual(['inc-0a', 'add-0a']);
    expect(found('ValueError')).toEqual(['inc-0b']);
    expect(found('ValueError', { fields: ['key', 'function', 'worker'] })).toEqual([]);
  });

  it('finds all that is left where nothing is asked of texts', () => {
    expect(found('', { test: null })).toEqual(['inc-0a', 'inc-0b', 'add-0a', 'Sum-1']);
    expect(found('', { test: null, fields: ['error'], status: 'erred' })).toEqual(['inc-0b']);
  });

  it('is narrowed by what narrows every list of records', () => {
    expect(found('', { name: ['inc', 'Sum'] })).toEqual(['inc-0a', 'inc-0b', 'Sum-1']);
    expect(found('', { worker: ['alice'] })).toEqual(['inc-0a', 'add-0a']);
    expect(found('', { status: 'erred' })).toEqual(['inc-0b']);
    expect(found('', { minDuration: 1, maxDuration: 1 })).toEqual(['inc-0a', 'inc-0b']);
    expect(found('', { since: BASE + 1.5, until: BASE + 3 })).toEqual(['inc-0b', 'add-0a']);
    expect(found('', { text: (key) => key.endsWith('a') })).toEqual(['inc-0a', 'add-0a']);
  });

  it('counts hits over time', () => {
    const { marks, total } = search('0', { bins: 11 });
    expect(total).toBe(3);
    expect(marks?.start).toBe(BASE);
    expect(marks?.bin).toBeCloseTo(0.5, 6);
    expect(marks?.counts).toEqual([1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
  });

  it('stops at a full page where no total is asked for', () => {
    expect(search('', { limit: 2, counted: false })).toMatchObject({ total: null, next: 1, marks: null });
  });

  it('gives each record once on pages from either end', () => {
    const key = (i: number): string => `inc-${i}`;
    const many = storeOf(Array.from({ length: 40 }, (_, i) => row(key(i), 'inc', 'tcp://a:1', i, i + 1)));
    const property = fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom('oldest' as const, 'newest' as const),
      fc.boolean(),
      (limit, order, counted) => {
        const keys: string[] = [];
        for (let after: number | undefined; ; ) {
          const query = { ...all, test: (text: string) => text.includes('3'), order, limit, counted, after };
          const page = atOnce(searchSteps(many, { ...query, fields: ['key'] }));
          keys.push(...page.tasks.map((task) => task.key));
          if (page.next === null) break;
          after = page.next;
        }
        const wanted = Array.from({ length: 40 }, (_, i) => key(i)).filter((text) => text.includes('3'));
        expect(keys).toEqual(order === 'oldest' ? wanted : wanted.reverse());
      },
    );
    fc.assert(property, { numRuns: 40 });
  });
});

it('pages of records come from either end, of several functions, of a length', () => {
  const keys = (query: Partial<Parameters<typeof tasksPage>[1]>): string[] =>
    tasksPage(store, { limit: 9, ...query }).tasks.map(({ key }) => key);
  expect(keys({ order: 'newest', limit: 2 })).toEqual(['Sum-1', 'add-0a']);
  expect(keys({ order: 'newest', limit: 2, after: 2 })).toEqual(['inc-0b', 'inc-0a']);
  expect(keys({ order: 'slowest', limit: 2 })).toEqual(['add-0a', 'inc-0a']);
  expect(keys({ order: 'slowest', name: 'inc' })).toEqual(['inc-0a', 'inc-0b']);
  expect(tasksPage(store, { order: 'largest', limit: 1 })).toMatchObject({
    total: 4,
    next: null,
    tasks: [{ nbytes: 28 }],
  });
  expect(keys({ name: ['add', 'Sum', 'nobody'] })).toEqual(['add-0a', 'Sum-1']);
  expect(keys({ name: [] })).toHaveLength(4);
  expect(keys({ minDuration: 2 })).toEqual(['add-0a']);
  expect(keys({ maxDuration: 0.5 })).toEqual(['Sum-1']);
});
