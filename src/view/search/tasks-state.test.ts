import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  filterParameters,
  readTasksState,
  tracksOfText,
  trackText,
  windowFilter,
  writeTasksState,
} from './tasks-state.ts';

const FULL =
  '?since=1700000000.25&until=1700000010&function=in&fn=inc&fn=add&worker=a%26b&status=erred&least=0.5&most=9&key=x-1&q=%5Ea&regex=1&task=17&area=1700000001-1700000002.5&tracks=0-3%2C9&by=worker&mark=add&list=slowest&ruler=elapsed&group=host&order=busy&rows=w-1&fold=0&toggled=a&toggled=b&pinned=c&at=7';

test('an address is read and written as it was, with what belongs to others', () => {
  const state = readTasksState(FULL);
  expect(state).toMatchObject({
    range: { since: 1700000000.25, until: 1700000010 },
    functions: ['inc', 'add'],
    workers: ['a&b'],
    status: 'erred',
    least: 0.5,
    search: '^a',
    regex: true,
    task: 17,
    rows: { group: 'host', order: 'busy', text: 'w-1', folded: false, toggled: ['a', 'b'], pinned: ['c'] },
    elapsed: true,
    by: 'worker',
    mark: 'add',
    list: 'slowest',
    area: { since: 1700000001, until: 1700000002.5, tracks: '0-3,9' },
  });
  expect(state.pattern).toBe(false);
  const pattern = readTasksState(`${FULL}&pattern=1`);
  expect(pattern).toMatchObject({ key: 'x-1', pattern: true });
  expect(readTasksState(writeTasksState(pattern, '', null))).toEqual(pattern);
  const written = writeTasksState(state, '?at=7', 'dark');
  expect(readTasksState(written)).toEqual(state);
  expect(written).toContain('at=7');
  expect(written).toContain('theme=dark');
  expect(writeTasksState(readTasksState(''), '?since=5&until=6&q=a&theme=dark&group=none&fold=1', null)).toBe('');
});

test('what makes no sense is not there', () => {
  const state = readTasksState(
    '?since=9&until=8&status=done&least=-1&task=1.5&area=5&tracks=a&fn=&regex=yes&group=x&order=y&fold=2&list=first&mark=',
  );
  expect(state).toEqual(readTasksState(''));
  expect(readTasksState('?area=1-2&tracks=1-').area).toEqual({ since: 1, until: 2, tracks: null });
});

test('a filter is what the API takes', () => {
  expect(filterParameters(readTasksState(FULL))).toEqual([
    ['name', 'inc'],
    ['name', 'add'],
    ['worker', 'a&b'],
    ['status', 'erred'],
    ['min_duration', '0.5'],
    ['max_duration', '9'],
    ['text', 'x-1'],
  ]);
  expect(filterParameters(readTasksState('?key=a%2Bb&pattern=1'))).toEqual([
    ['text', 'a+b'],
    ['regex', '1'],
  ]);
  expect(filterParameters(readTasksState('?key=a&pattern=1'), 'text_regex')).toEqual([
    ['text', 'a'],
    ['text_regex', '1'],
  ]);
});

test('what makes tasks fade in the stream is what no row and no function says', () => {
  const filter = { status: 'erred', minDuration: 0.5, maxDuration: 9, text: 'x-1' };
  expect(windowFilter(readTasksState(FULL))).toEqual(filter);
  expect(windowFilter(readTasksState('?key=a%2Bb&pattern=1'))).toEqual({ text: 'a+b', regex: true });
  expect(windowFilter(readTasksState('?fn=inc&worker=a&pattern=1'))).toBe(null);
});

test('tracks are written as runs', () => {
  expect(trackText([9, 0, 1, 3, 2, 12, 2])).toBe('0-3,9,12');
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(200), { minLength: 1 }), (tracks) => {
      expect([...tracksOfText(trackText(tracks))].sort()).toEqual([...tracks].sort());
    }),
  );
});
