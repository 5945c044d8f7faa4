import { describe, expect, test, vi } from 'vitest';
import type { RecordView } from '../../model/batch.ts';
import { type AskPage, Search, type SearchState } from './search.ts';

/** A server that has so many hits, of records 0, 10, 20 …. */
function server(total: number): { ask: AskPage; asked: number[] } {
  const all = Array.from({ length: total }, (_, i) => ({ record: i * 10 }) as RecordView);
  const asked: number[] = [];
  return {
    asked,
    ask: async ({ order, after, limit, count }) => {
      asked.push(after ?? -1);
      await Promise.resolve();
      const list = order === 'oldest' ? all : [...all].reverse();
      const from = after === null ? 0 : list.findIndex(({ record }) => record === after) + 1;
      const tasks = list.slice(from, from + limit);
      const next = from + limit < total ? tasks.at(-1)!.record : null;
      return { tasks, next, total: count ? total : null, marks: null };
    },
  };
}

describe('hits', () => {
  test('are gone through one by one, forwards and backwards, and round at the ends', async () => {
    let state: SearchState | null = null;
    const search = new Search(server(130).ask, (next) => {
      state = next;
    });
    await vi.waitFor(() => expect(state).toMatchObject({ total: 130, busy: false, index: -1 }));
    const seen: (number | undefined)[] = [];
    for (let i = 0; i < 131; i++) seen.push((await search.go(1))?.record);
    expect(seen).toEqual([...Array.from({ length: 130 }, (_, i) => i * 10), 0]);
    for (let i = 0; i < 125; i++) seen[i] = (await search.go(-1))?.record;
    expect(seen.slice(0, 125)).toEqual(Array.from({ length: 125 }, (_, i) => (129 - i) * 10));
    expect(state).toMatchObject({ index: 5 });
  });

  test('the first one does not wait for the count', async () => {
    const { ask } = server(60);
    let count = (): void => {};
    const counting = new Promise<void>((resolve) => {
      count = resolve;
    });
    const search = new Search(
      async (query, signal) => {
        if (query.count) await counting;
        return await ask(query, signal);
      },
      () => {},
    );
    for (const record of [0, 10]) expect((await search.go(1))?.record).toBe(record);
    count();
  });

  test('backwards from the first one is the last one', async () => {
    const search = new Search(server(75).ask, () => {});
    expect((await search.go(-1))?.record).toBe(740);
    expect((await search.go(-1))?.record).toBe(730);
    expect((await search.go(1))?.record).toBe(740);
    expect((await search.go(1))?.record).toBe(0);
  });

  test('none, and a server that says no', async () => {
    let state: SearchState | null = null;
    const tell = (next: SearchState): void => {
      state = next;
    };
    expect(await new Search(server(0).ask, tell).go(1)).toBe(null);
    const refused = new Search(async () => 'that is not a regular expression', tell);
    expect(await refused.go(1)).toBe(null);
    expect(state).toMatchObject({ problem: 'that is not a regular expression' });
  });

  test('a search that was given up says nothing more', async () => {
    const tell = vi.fn();
    const search = new Search(server(5).ask, tell);
    search.end();
    await search.go(1);
    expect(tell).toHaveBeenCalledTimes(1);
  });
});
