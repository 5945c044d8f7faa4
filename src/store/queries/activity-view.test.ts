import { describe, expect, it } from 'vitest';
import { atOnce } from '../../base/steps.ts';
import { attach, finishedOf, type Row, workerOf } from '../history.fixture.ts';
import { Store } from '../store.ts';
import { activitySteps } from './activity-view.ts';

const BASE = 1_700_000_000;
const WORKER = 'tcp://a:1';

describe('activitySteps', () => {
  it('says of every track how busy it was in the range and when it was last', () => {
    const store = new Store({ monotonic: () => 0 });
    attach(store, 'Scheduler-1', BASE);
    store.accept({ kind: 'tick', time: BASE, workers: { added: [workerOf(store, WORKER, 'a', 3)] } });
    const row = (thread: number, from: number, to: number, transfer?: [number, number]): Row => ({
      key: 'k',
      fn: 'inc',
      worker: WORKER,
      thread,
      compute: [BASE + from, BASE + to],
      ...(transfer !== undefined && { transfer: [BASE + transfer[0], BASE + transfer[1]] as [number, number] }),
    });
    // The second one's transfer runs beside its compute: the time counts once.
    const rows = [row(1, 0, 8), row(1, 100, 101), row(2, 8, 16, [8, 16])];
    store.accept({ kind: 'tick', time: BASE + 200, finished: finishedOf(store, rows) });
    const view = atOnce(activitySteps(store, BASE, BASE + 64));
    expect(view.start).toBeLessThanOrEqual(BASE);
    expect(view.stop).toBeGreaterThanOrEqual(BASE + 64);
    expect(view.slot).toEqual([0, 1, 2]);
    expect(view.busy[0]).toBeCloseTo(8, 3);
    expect(view.busy[1]).toBeGreaterThanOrEqual(8);
    expect(view.busy[1]).toBeLessThan(8 + 2 * ((view.stop - view.start) / 64));
    expect(view.busy[2]).toBe(0);
    expect(view.last).toEqual([BASE + 101, BASE + 16, null]);
  });
});
