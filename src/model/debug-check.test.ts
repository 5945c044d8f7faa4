import { describe, expect, it } from 'vitest';
import { checkDebugIndex, checkDebugView, isTopic } from './debug-check.ts';

const INDEX = {
  role: 'worker',
  name: 'w',
  address: 'tcp://10.0.0.1:4001',
  engine: 'dask',
  version: '2026.8.0',
  pid: 12,
  topics: [{ topic: 'call-stacks', title: 'Call stacks' }],
};

const VIEW = {
  topic: 'tasks',
  title: 'Tasks',
  time: 1_790_000_000,
  cost: 0.001,
  facts: [{ name: 'ready', unit: 'count', value: 3 }],
  tables: [{ title: 'Ready', columns: [{ name: 'key', unit: 'key' }], rows: [['x'], [null]], total: 7 }],
  series: [{ title: 'CPU', unit: 'percent', times: [1, 2], lines: [{ name: 'cpu', values: [null, 3] }] }],
  trees: [{ title: 'All', unit: 'seconds', root: { name: 'root', detail: '', value: 1, children: [] } }],
  notes: ['a note'],
};

/** The same object with one part replaced: `['tables', 0, 'total']`. */
function withPart(whole: unknown, path: readonly (string | number)[], part: unknown): unknown {
  const copy = structuredClone(whole) as Record<string | number, unknown>;
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  at[path.at(-1)!] = part;
  return copy;
}

describe('an answer of a debug server', () => {
  it('comes through as it is', () => {
    expect(checkDebugIndex(INDEX)).toEqual(INDEX);
    expect(checkDebugView(VIEW)).toEqual(VIEW);
  });

  it('loses what the types do not name', () => {
    const parsed = JSON.parse(`${JSON.stringify(VIEW).slice(0, -1)},"__proto__":{"polluted":1},"more":1}`);
    expect(checkDebugView(parsed)).toEqual(VIEW);
    expect('polluted' in {}).toBe(false);
  });

  it.each<[readonly (string | number)[], unknown]>([
    [['topic'], '../status'],
    [['cost'], '1'],
    [['time'], null],
    [['facts'], {}],
    [['facts', 0, 'unit'], 'furlongs'],
    [['facts', 0, 'value'], { html: '<b>' }],
    [
      ['tables', 0, 'rows', 0],
      ['x', 'y'],
    ],
    [['tables', 0, 'columns'], []],
    [['tables', 0, 'rows'], Array.from({ length: 20_001 }, () => ['x'])],
    [
      ['series', 0, 'times'],
      [2, 1],
    ],
    [['series', 0, 'lines', 0, 'values'], [1]],
    [['trees', 0, 'root'], null],
    [['trees', 0, 'root', 'children'], [{ name: 1, detail: '', value: 1, children: [] }]],
    [['notes', 0], 5],
  ])('is refused with another %j', (path, part) => {
    expect(() => checkDebugView(withPart(VIEW, path, part))).toThrow(/malformed/);
  });

  it.each<[readonly (string | number)[], unknown]>([
    [['role'], 'client'],
    [['engine'], 'spark'],
    [['pid'], '12'],
    [['topics', 0, 'topic'], 'Call stacks'],
    [['topics'], null],
  ])('is refused with another %j in the index', (path, part) => {
    expect(() => checkDebugIndex(withPart(INDEX, path, part))).toThrow(/malformed/);
  });

  it('is refused when its tree has no end', () => {
    let deep: unknown = { name: '', detail: '', value: 1, children: [] };
    for (let i = 0; i < 3_000; i++) deep = { name: '', detail: '', value: 1, children: [deep] };
    expect(() => checkDebugView(withPart(VIEW, ['trees', 0, 'root'], deep))).toThrow(/too large/);
  });

  it('is cut where its text is endless, and says at least as many rows as it brings', () => {
    const view = checkDebugView(withPart(withPart(VIEW, ['notes', 0], 'x'.repeat(1e6)), ['tables', 0, 'total'], 0));
    expect(view.notes[0]!.length).toBeLessThan(21_000);
    expect(view.tables[0]!.total).toBe(2);
  });
});

it.each(['tasks', 'call-stacks', 'x1'])('%s is a topic', (topic) => expect(isTopic(topic)).toBe(true));
it.each(['', '..', 'a/b', 'A', '-x', 'x'.repeat(65), '__proto__'])('%j is none', (topic) =>
  expect(isTopic(topic)).toBe(false),
);
