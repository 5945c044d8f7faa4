import { describe, expect, it } from 'vitest';
import type { WindowQuery } from '../../../model/batch.ts';
import { attach, finishedOf, workerOf } from '../../../store/history.fixture.ts';
import { stateSnapshot } from '../../../store/queries/cursors.ts';
import { Replica } from '../../../store/replica.ts';
import { Store } from '../../../store/store.ts';
import type { Connection } from '../../connection.ts';
import { type EarlyView, EarlyWindow, earlyQuery } from './early-window.ts';

const VIEW: EarlyView = { page: 'tasks', search: '', width: 1440, ratio: 1 };

/** A store with one run: 100 tasks in the 50 seconds from 1000 on. */
function history(tasks = 100): Store {
  const store = new Store({ monotonic: () => 0 });
  attach(store);
  store.accept({ kind: 'tick', time: 1000, workers: { added: [workerOf(store, 'tcp://a:1')] } });
  if (tasks === 0) return store;
  const rows = Array.from({ length: tasks }, (_, i) => ({
    key: `inc-${i}`,
    fn: 'inc',
    worker: 'tcp://a:1',
    thread: 1,
    compute: [1000 + i / 2, 1000.5 + i / 2] as const,
  }));
  store.accept({ kind: 'tick', time: 1100, finished: finishedOf(store, rows) });
  return store;
}

function replicaOf(store: Store): Replica {
  const replica = new Replica(() => 0);
  replica.apply({ kind: 'state', batch: stateSnapshot(store) });
  return replica;
}

function connection(): { asked: WindowQuery[]; open: number; connection: Connection } {
  const seen = { asked: [] as WindowQuery[], open: 0 };
  const openWindow = (query: WindowQuery) => {
    seen.asked.push(query);
    seen.open++;
    return { id: 1, query, move: () => {}, [Symbol.dispose]: () => seen.open-- };
  };
  return Object.assign(seen, { connection: { openWindow } as unknown as Connection });
}

describe('the window asked for early', () => {
  it('holds the whole run at about a bin a pixel', () => {
    const query = earlyQuery(replicaOf(history()), VIEW);
    expect(query?.functions).toBeNull();
    expect(query?.until).toBeGreaterThan(1050e6);
    expect(query?.since).toBeLessThanOrEqual(1000e6);
    const perPixel = 50e6 / 1310;
    expect(2 ** (query?.level ?? 0)).toBeGreaterThan(perPixel / 2);
    expect(2 ** (query?.level ?? 0)).toBeLessThanOrEqual(perPixel * 2);
  });

  it('is of the range in the address, on /tasks', () => {
    const search = '?since=1010&until=1011';
    const query = earlyQuery(replicaOf(history()), { ...VIEW, search });
    expect(query?.since).toBeGreaterThan(1009e6);
    expect(query?.until).toBeLessThan(1012e6);
    expect(earlyQuery(replicaOf(history()), { ...VIEW, page: 'status', search })?.until).toBeGreaterThan(1050e6);
  });

  it('is narrowed as the address says, on /tasks', () => {
    const search = '?status=erred&least=0.5&key=x';
    const filter = { status: 'erred', minDuration: 0.5, text: 'x' };
    expect(earlyQuery(replicaOf(history()), { ...VIEW, search })?.filter).toEqual(filter);
    expect(earlyQuery(replicaOf(history()), { ...VIEW, page: 'status', search })?.filter).toBeUndefined();
  });

  it('is not asked for where there is no stream, and none without tasks', () => {
    expect(earlyQuery(replicaOf(history()), { ...VIEW, page: 'workers' })).toBeNull();
    expect(earlyQuery(replicaOf(history(0)), VIEW)).toBeNull();
    expect(earlyQuery(new Replica(() => 0), VIEW)).toBeNull();
  });

  it('is asked for once, with the state, and taken once', () => {
    const replica = new Replica(() => 0);
    const line = connection();
    const early = new EarlyWindow(line.connection, replica, VIEW);
    expect(line.asked).toEqual([]);
    const store = history();
    replica.apply({ kind: 'state', batch: stateSnapshot(store) });
    replica.apply({ kind: 'state', batch: stateSnapshot(store) });
    expect(line.asked).toHaveLength(1);
    expect(early.take()?.query).toBe(line.asked[0]);
    expect(early.take()).toBeNull();
  });

  it('is not asked for any more once a stream came for it', () => {
    const replica = new Replica(() => 0);
    const line = connection();
    expect(new EarlyWindow(line.connection, replica, VIEW).take()).toBeNull();
    replica.apply({ kind: 'state', batch: stateSnapshot(history()) });
    expect(line.asked).toEqual([]);
  });
});
