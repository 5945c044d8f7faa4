import { describe, expect, it } from 'vitest';
import { Capture } from '../paging/capture.ts';
import { MemoryFile, smallPager } from '../paging/pages.fixture.ts';
import { StateReader, StateWriter, textOf } from '../paging/state.ts';
import { StringTable } from './string-table.ts';

const NAMES = Array.from(
  { length: 60_000 },
  (_, i) => `inc-${(i * 2_654_435_761).toString(16).padStart(32, '0')}-é${i}`,
);

describe('a table of strings', () => {
  it('gives each an index, and finds it again, however many there are and wherever they lie', () => {
    const pager = smallPager(200);
    const table = new StringTable(pager);
    const indices = NAMES.map((name) => table.intern(name));
    expect(new Set(indices).size).toBe(NAMES.length);
    // But for those whose hashes are the same.
    expect(pager.loads).toBeLessThan(20);
    expect(NAMES.every((name, i) => table.at(indices[i]!) === name)).toBe(true);
    expect(pager.loads).toBeGreaterThan(100);
    expect(NAMES.every((name, i) => table.intern(name) === indices[i])).toBe(true);
    expect(table.valuesFrom(0)).toEqual(['', ...NAMES]);
    expect([table.find('inc-x'), table.find(''), table.at(1e6), table.length]).toEqual([undefined, 0, '', 60_001]);
  });

  it('counts what stays in memory: some bytes of each', () => {
    const pager = smallPager(200);
    const table = new StringTable(pager);
    for (const name of NAMES) table.intern(name);
    const { charged } = pager.memory;
    expect(charged).toBeGreaterThan(NAMES.length * 8);
    expect(charged).toBeLessThan(NAMES.length * 40);
    // Frames give way to it, but for those that grow.
    expect(pager.memory.bytes).toBeLessThanOrEqual(Math.max(0, pager.memory.limit - charged) + 8 * 1_024);
  });

  it('that knows only so many again stays as small', () => {
    const pager = smallPager(200);
    const table = new StringTable(pager, { known: 1_000 });
    const indices = NAMES.map((name) => table.intern(name));
    expect(NAMES.every((name, i) => table.at(indices[i]!) === name)).toBe(true);
    const charged = pager.memory.charged;
    for (let i = 0; i < 20_000; i++) table.intern(`other-${i}`);
    // But for what is kept of their pages.
    expect(pager.memory.charged).toBeLessThan(charged * 1.01);
  });

  it('is taken up as it was put down', () => {
    const file = new MemoryFile();
    const pager = smallPager(200, file);
    const table = new StringTable(pager);
    for (const name of NAMES) table.intern(name);
    const state = new StateWriter();
    table.save(state);
    const capture = new Capture(pager, state.pages);
    while (!capture.step(1_000));
    expect(capture.failed).toBe(false);
    const { numbers, words, texts } = state.parts;
    const { slots } = capture;
    const reader = new StateReader(
      {
        numbers: Float64Array.from(numbers.flatMap((part) => [...part])),
        words: Uint32Array.from(words.flatMap((part) => [...part])),
        texts: texts.map((text) => textOf(text())),
      },
      { file, slots },
    );
    const other = new StringTable(smallPager(200));
    other.load(reader);
    expect(other.valuesFrom(0)).toEqual(['', ...NAMES]);
    expect(NAMES.every((name) => other.find(name) === table.find(name))).toBe(true);
    expect(other.intern('new')).toBe(NAMES.length + 1);
    expect(other.at(NAMES.length + 1)).toBe('new');
  });
});
