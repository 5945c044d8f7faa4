import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atOnce, type Steps } from '../../base/steps.ts';
import type { WindowQuery } from '../../model/batch.ts';
import { attach, finishedOf, type Row } from '../history.fixture.ts';
import { WindowCursor } from '../queries/cursors.ts';
import { functionsView, recordView, sharesView, tasksPage, tasksPageSteps } from '../queries/queries.ts';
import { scanned } from '../queries/scanned.ts';
import { stretches } from '../queries/stretches.ts';
import { Store } from '../store.ts';
import { Capture } from './capture.ts';
import { PageMemory } from './page-memory.ts';
import { Pager } from './pager.ts';
import { MemoryFile, smallPager } from './pages.fixture.ts';
import { StateReader, StateWriter, textOf } from './state.ts';

const BASE = 1_700_000_000;

const burst = fc.record({
  fn: fc.constantFrom('inc', 'dec', 'add'),
  thread: fc.integer({ min: 1, max: 4 }),
  at: fc.double({ min: 0, max: 1e4, noNaN: true }),
  count: fc.integer({ min: 1, max: 200 }),
  length: fc.double({ min: -5, max: 2, noNaN: true }).map((x) => 10 ** x),
  erred: fc.boolean(),
});
type Burst = typeof burst extends fc.Arbitrary<infer T> ? T : never;

function rowsOf(bursts: readonly Burst[]): Row[] {
  return bursts.flatMap(({ fn, thread, at, count, length, erred }, burst) =>
    Array.from({ length: count }, (_, i): Row => {
      const start = BASE + at + i * length * 1.1;
      const [key, transfer] =
        i % 3 === 0 ? [`('${fn}', ${burst}, ${i})`, [start - length, start] as const] : [`${burst}-${i}`];
      const back = i > 2 ? [0, i - 1] : [];
      return { key, fn, worker: 'tcp://a:1', thread, compute: [start, start + length], transfer, erred, back };
    }),
  );
}

function feed(store: Store, rows: readonly Row[], parts = 4): void {
  const size = Math.ceil(rows.length / parts);
  for (let at = 0; at < rows.length; at += size) {
    store.accept({ kind: 'tick', time: BASE + 20_000 + at, finished: finishedOf(store, rows.slice(at, at + size)) });
  }
}

function storeOf(rows: readonly Row[], pager?: Pager): Store {
  // Where there are pages, tracks to which nothing comes for a moment are in them, too.
  const store = new Store({ monotonic: () => 0, ...(pager && { pager, lookEvery: 9 }) });
  attach(store, 'Scheduler-1', BASE);
  feed(store, rows);
  return store;
}

/** What a store answers to all sorts of questions. */
function answers(store: Store): unknown {
  const windows = [0, 12, 17, 23].flatMap((level) => {
    const queries = [
      { since: BASE * 1e6, until: (BASE + 2e4) * 1e6 },
      { since: (BASE + 3e3) * 1e6, until: (BASE + 3.1e3) * 1e6 },
    ];
    return queries.map(({ since, until }): WindowQuery => {
      return { since, until, level, maxSlices: level === 0 ? 1e6 : 0, tracks: null, functions: null };
    });
  });
  const between = { since: BASE, until: BASE + 11_000 };
  const { records } = store;
  return [
    windows.map((query) => new WindowCursor(store, query).step(Number.POSITIVE_INFINITY)),
    sharesView(store, { ...between, bins: 200, by: 'track' }),
    functionsView(store, { ...between, limit: 100, sort: 'compute' } as never),
    tasksPage(store, { limit: 1e6 }),
    tasksPage(store, { limit: 50, text: '1' } as never),
    Array.from({ length: records.length }, (_, i) => [recordView(store, i), records.dependencies.at(i)]),
    structuredClone(store.runs.list),
  ];
}

describe('paging', () => {
  it('gives the same answers whatever part of the history is in memory', () => {
    fc.assert(
      fc.property(fc.array(burst, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 60 }), (bursts, pages) => {
        const rows = rowsOf(bursts);
        const pager = smallPager(pages);
        const store = storeOf(rows, pager);
        expect(answers(store)).toEqual(answers(storeOf(rows)));
        // What grows stays in memory; all else does not.
        expect(pager.memory.bytes).toBeLessThanOrEqual((pages + 40) * 1_024);
        // What does not fit all at once was read back for the answers.
        const roomy = smallPager(10_000);
        storeOf(rows, roomy);
        if (roomy.memory.bytes > pages * 1_024) expect(pager.loads).toBeGreaterThan(0);
      }),
      { numRuns: 12 },
    );
  });

  it('takes up what was put down while the history went on', () => {
    fc.assert(
      fc.property(
        fc.array(burst, { minLength: 2, maxLength: 5 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 40 }),
        (bursts, pages, steps) => {
          const rows = rowsOf(bursts);
          const half = Math.floor(rows.length / 2);
          const file = new MemoryFile();
          const pager = smallPager(pages, file);
          const store = storeOf(rows.slice(0, half), pager);
          // Twice: what the first one counts on must outlast the second.
          for (const part of [rows.slice(half), rows.slice(0, half)]) {
            const before = answers(store);
            const state = new StateWriter();
            store.save(state);
            const capture = new Capture(pager, state.pages);
            capture.step(steps);
            feed(store, part);
            answers(store);
            while (!capture.step(steps));
            expect(capture.failed).toBe(false);
            capture.commit();
            feed(store, part.slice(0, 50));
            const { numbers, words, texts } = state.parts;
            const other = new Store({ monotonic: () => 0, pager: smallPager(pages), lookEvery: 9 });
            const table = { file, slots: capture.slots };
            const whole = {
              numbers: Float64Array.from(numbers.flatMap((part) => [...part])),
              words: Uint32Array.from(words.flatMap((part) => [...part])),
              texts: texts.map((text) => textOf(text())),
            };
            other.load(new StateReader(whole, table));
            expect(answers(other)).toEqual(before);
            feed(other, rows);
            expect(other.records.length).toBe(rows.length + (before as unknown[][])[5]!.length);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it('stays bounded when nothing can be written: the oldest details go, sums and counts stay', () => {
    const file = new MemoryFile();
    const said: (string | null)[] = [];
    const pager = smallPager(120, file, { trouble: (reason) => said.push(reason) });
    const rows = rowsOf([{ fn: 'inc', thread: 1, at: 0, count: 12_000, length: 0.01, erred: false }]);
    file.full = true;
    const store = storeOf(rows, pager);
    expect(pager.memory.bytes).toBeLessThanOrEqual(160 * 1_024);
    expect(pager.forgotten).toBe(true);
    expect(said).toEqual(['no space left on device']);
    expect(store.records.finished).toBe(rows.length);
    expect(store.records.dropped).toBeGreaterThan(1_000);
    const { tasks } = tasksPage(store, { limit: 1e6 });
    expect(tasks.at(-1)!.key).toBe(rows.at(-1)!.key);
    expect(tasks.every(({ key, name }) => key !== '' && name === 'inc')).toBe(true);
    expect(tasks.length).toBeLessThan(rows.length - 1_000);
    // All of it is still in the coarser sums.
    const query = { since: BASE, until: BASE + 256, bins: 16, by: 'function' } as const;
    const computed = (of: Store) =>
      sharesView(of, query).groups[0]!.shares.find(({ kind }) => kind === 'function')!.busy;
    expect(computed(store)).toEqual(computed(storeOf(rows)));
  });

  it('gives all memory back when it is closed, to the other histories of the process', () => {
    const memory = new PageMemory(200 * 1_024, 1_024);
    const file = new MemoryFile();
    const rows = rowsOf([{ fn: 'inc', thread: 1, at: 0, count: 2_000, length: 0.01, erred: false }]);
    const reads = Array.from({ length: 4 }, () => {
      const pager = new Pager({ memory, open: () => file });
      const store = storeOf(rows, pager);
      tasksPage(store, { limit: 10 });
      const { loads } = pager;
      pager.close();
      return loads;
    });
    expect(new Set(reads).size).toBe(1);
  });

  it('says so when what it reads back is not what it wrote, and goes on', () => {
    const file = new MemoryFile();
    const damaged: string[] = [];
    const rows = rowsOf([{ fn: 'inc', thread: 1, at: 0, count: 3_000, length: 0.01, erred: false }]);
    const store = storeOf(rows, smallPager(20, file, { damaged: (reason) => damaged.push(reason) }));
    file.damaged = true;
    const { total } = tasksPage(store, { limit: 10 });
    expect(total).toBeLessThan(rows.length);
    expect(damaged[0]).toBe('a page is not what was written');
  });

  it('keeps what is looked at in memory while somebody goes through all of it, and answers the same', () => {
    const rows = rowsOf([{ fn: 'inc', thread: 1, at: 0, count: 20_000, length: 0.01, erred: false }]);
    const pager = smallPager(64);
    const store = storeOf(rows, pager);
    const last: WindowQuery = { since: 0, until: 0, level: 10, functions: null, maxSlices: 20_000 };
    const until = store.slices.extent()!.until;
    const look = (): number => {
      const { loads } = pager;
      new WindowCursor(store, { ...last, since: until - 2e6, until }).next();
      return pager.loads - loads;
    };
    const found = (steps: Steps<{ readonly total: number }>) => atOnce(steps).total;
    look();
    look();
    expect(look()).toBe(0);
    expect(found(scanned(store, tasksPageSteps(store, { limit: 1, text: '7' })))).toBe(
      rows.filter(({ key }) => key.includes('7')).length,
    );
    expect(look()).toBe(0);
    // Without being told, a scan takes all there is.
    found(tasksPageSteps(store, { limit: 1, text: '7' }));
    expect(look()).toBeGreaterThan(0);
  });

  it('adds up an area a stretch of time after another as it does at once', () => {
    const seconds = fc.double({ min: -1, max: 110, noNaN: true });
    const starts = [1, 2, 3, 4].map((thread) => ({ thread, at: thread / 3, count: 700, erred: thread === 2 }));
    const rows = rowsOf(
      starts.map((one, i) => ({
        ...one,
        fn: (['inc', 'dec'] as const)[i % 2]!,
        length: [0.01, 0.11, 0.004, 0.05][i]!,
      })),
    );
    const small = storeOf(rows, smallPager(24));
    const all = storeOf(rows);
    expect(stretches(small, 0, 4e15).length).toBeGreaterThan(4);
    expect(stretches(all, 0, 4e15)).toEqual([0, 4e15]);
    fc.assert(
      fc.property(seconds, seconds, fc.constantFrom(undefined, { minDuration: 0.05 }, { text: '7' }), (a, b, only) => {
        const range = { since: BASE + Math.min(a, b), until: BASE + Math.max(a, b) + 0.001 };
        const view = (store: Store) =>
          functionsView(store, { ...range, only, sort: 'total', limit: 9, byWorker: true });
        expect(view(small)).toEqual(view(all));
      }),
      { numRuns: 60 },
    );
  });
});
