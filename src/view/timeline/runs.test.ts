import { describe, expect, it } from 'vitest';
import type { RunView } from '../../model/batch.ts';
import { Replica } from '../../store/replica.ts';
import { recordsOfLastRun } from './drawing/numbers.ts';
import { TimeBase } from './moving/viewport.ts';
import { followHistory, followRecent, historyBounds, isActive, runAt, withGapAfter } from './runs.ts';

const T0 = 1_790_000_000;
const base = new TimeBase(T0 * 1e6);
const run = (start: number, stop: number, records: number): RunView => ({
  start: T0 + start,
  stop: T0 + stop,
  records,
  erred: 0,
  cluster: 'Scheduler-1',
});

function replicaWith(runs: readonly RunView[], running = false): Replica {
  const replica = new Replica(() => 0);
  replica.runs = runs;
  const last = runs.at(-1)!;
  const micros = (seconds: number): number => Math.round(seconds * 1e6);
  replica.follow = { start: micros(last.start), runStart: micros(last.start), runStop: micros(last.stop) };
  if (running) replica.running.set(0, { fn: 1, start: micros(last.start), key: 'k' });
  return replica;
}

describe('runs', () => {
  const runs = [run(0, 10, 60_000), run(30, 40, 50_000), run(60, 90, 20_000)];

  it('are active while something runs or has just ended', () => {
    expect(isActive(replicaWith(runs, true), T0 + 500)).toBe(true);
    expect(isActive(replicaWith(runs), T0 + 90.5)).toBe(true);
    expect(isActive(replicaWith(runs), T0 + 95)).toBe(false);
    const handedOut = replicaWith(runs);
    handedOut.processing = 3;
    expect(isActive(handedOut, T0 + 500)).toBe(true);
  });

  it('bound history, up to now while something runs', () => {
    expect(historyBounds(replicaWith(runs), base, T0 + 200)).toEqual({ start: 0, stop: 90e6 });
    expect(historyBounds(replicaWith(runs, true), base, T0 + 200)).toEqual({ start: 0, stop: 200e6 });
    expect(historyBounds(new Replica(() => 0), base, T0)).toBeNull();
  });

  it('are shown with what was missed right after them, a part of it where that was long', () => {
    const replica = replicaWith(runs);
    const gap = (since: number, until: number) => ({
      since: T0 + since,
      until: T0 + until,
      size: 7,
      reason: 'overload',
    });
    const stops = () => [followRecent(replica, base, T0 + 900)?.stop, followHistory(replica, base, T0 + 900)?.stop];
    replica.gaps = [gap(12, 20), gap(92, 100)];
    expect(stops()).toEqual([100e6, 100e6]);
    expect(withGapAfter(replica, base, { start: 0, stop: 10e6 })).toEqual({ start: 0, stop: 17.5e6 });
    expect(historyBounds(replica, base, T0 + 900)).toEqual({ start: 0, stop: 100e6 });
    replica.gaps = [gap(91, 5_000)];
    expect(stops()).toEqual([90e6 + 0.75 * 30e6, 90e6 + 0.75 * 90e6]);
    expect(historyBounds(replica, base, T0 + 9_000)).toEqual({ start: 0, stop: 5_000e6 });
    // Far from the run it is in the picture of all history, not in that of the run.
    replica.gaps = [gap(600, 700)];
    expect(stops()).toEqual([90e6, 90e6]);
    // Of a gap before another run no more is shown than up to that run.
    replica.gaps = [gap(11, 60)];
    expect(withGapAfter(replica, base, { start: 0, stop: 10e6 }).stop).toBe(17.5e6);
    expect(withGapAfter(replica, base, { start: -80e6, stop: 10e6 }).stop).toBe(30e6);
  });

  it('are not needed to see what was missed', () => {
    const replica = new Replica(() => 0);
    replica.gaps = [{ since: T0 + 5, until: T0 + 8, size: null, reason: 'disconnected' }];
    expect(historyBounds(replica, base, T0 + 9)).toEqual({ start: 5e6, stop: 8e6 });
    expect(followRecent(replica, base, T0 + 9)).toMatchObject({ start: 5e6, stop: 8e6, active: false });
    expect(followHistory(replica, base, T0 + 9)).toMatchObject({ start: 5e6, stop: 8e6, active: false });
  });

  it('are followed: the last one on /status, those of the last 100,000 tasks on /tasks', () => {
    expect(followRecent(replicaWith(runs), base, T0 + 200)).toMatchObject({ start: 60e6, stop: 90e6, active: false });
    expect(followHistory(replicaWith(runs), base, T0 + 200)).toMatchObject({ start: 0, stop: 90e6 });
    expect(followHistory(replicaWith(runs.slice(0, 2).concat(run(60, 90, 70_000))), base, T0)).toMatchObject({
      start: 30e6,
    });
  });

  it('are found by time', () => {
    expect([-5, 5, 20, 35, 100].map((s) => runAt(runs, base, s * 1e6))).toEqual([-1, 0, 0, 1, 2]);
  });

  it('are counted up to the last thing heard although they are told of less often', () => {
    const replica = replicaWith([run(0, 1, 40)]);
    const totals = (records: number) => ({ records }) as NonNullable<Replica['totals']>;
    replica.totals = totals(140);
    expect(recordsOfLastRun(replica)).toBe(40);
    replica.totals = totals(155);
    expect(recordsOfLastRun(replica)).toBe(55);
    replica.runs = [run(0, 1, 60)];
    replica.totals = totals(160);
    expect(recordsOfLastRun(replica)).toBe(60);
  });
});
