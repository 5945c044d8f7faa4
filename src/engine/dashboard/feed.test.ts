import { deserialize, serialize } from 'node:v8';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FinishedTask } from '../../model/finished-task.ts';
import { ClusterCore } from '../cluster-core.ts';
import type { ClusterObserver, MissedTasks } from '../observing/observer.ts';
import { settingsOf } from '../options.ts';
import { WorkerState } from '../scheduling/task.ts';
import { Feed } from './feed.ts';
import type { BatchMessage, FromPages, HelloMessage } from './messages.ts';
import { RemoteCluster } from './remote-cluster.ts';

const WORKER = 'tcp://127.0.0.1:1';

/** A cluster that was never started, its feed, and the other end; messages are held back until `deliver`. */
class Ends {
  readonly core = new ClusterCore(settingsOf({ dashboard: false }));
  readonly feed = new Feed(this.core);
  readonly sent: (HelloMessage | BatchMessage)[] = [];
  readonly finished: FinishedTask[] = [];
  readonly running = new Map<string, string>();
  readonly missed: MissedTasks[] = [];
  readonly workers: string[] = [];
  readonly remote = new RemoteCluster((message: FromPages) => {
    if (message.op === 'taken') this.feed.taken();
  });
  readonly observer: ClusterObserver = {
    finished: (task) => {
      this.running.delete(task.key);
      this.finished.push(task);
    },
    running: ({ key, worker }) => this.running.set(key, worker),
    ended: (key) => this.running.delete(key),
    missed: (gap) => {
      this.running.clear();
      this.missed.push(gap);
    },
    workerAdded: ({ address }) => this.workers.push(`+${address}`),
    workerRemoved: ({ address }) => this.workers.push(`-${address}`),
  };

  start(): this {
    this.feed.start((message) => this.sent.push(message));
    return this;
  }

  /** All that is sent, through the form in which it crosses a channel. */
  deliver(): void {
    for (let message = this.sent.shift(); message !== undefined; message = this.sent.shift()) {
      this.remote.receive(deserialize(serialize(message)) as HelloMessage | BatchMessage);
    }
  }

  finish(key: string): void {
    this.core.observers.each((observer) => observer.finished?.(task(key)));
  }

  run(key: string): void {
    this.core.observers.each((observer) => observer.running?.({ key, prefix: 'f', worker: WORKER, start: 1 }));
  }
}

function task(key: string): FinishedTask {
  return {
    key,
    prefix: 'f',
    group: 'f',
    worker: WORKER,
    thread: 2,
    type: 'number',
    status: 'memory',
    nbytes: 8,
    startstops: [
      { action: 'transfer', start: 1, stop: 2, source: 'tcp://127.0.0.1:2' },
      { action: 'compute', start: 2, stop: 3 },
    ],
    ready: 0.5,
    dependencies: { total: 70, back: [1, 3] },
  };
}

describe('the feed of the pages’ process', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('tells on the other side what was told here, and nothing twice', () => {
    const ends = new Ends();
    ends.core.scheduler.workers.add(new WorkerState(WORKER, '0', 2, 0, 1, { 'taskglass-debug': 8789 }));
    ends.start().deliver();
    ends.remote.observe(ends.observer);
    expect(ends.remote).toMatchObject({ id: ends.core.id, address: ends.core.address, started: ends.core.started });
    expect(ends.workers).toEqual([`+${WORKER}`]);
    const erred: FinishedTask = {
      ...task('b'),
      status: 'erred',
      type: '',
      nbytes: 0,
      error: { exception: 'Error: no', traceback: 'Error: no\n  at f' },
    };
    ends.run('a');
    ends.run('c');
    ends.finish('a');
    ends.core.observers.each((observer) => observer.finished?.(erred));
    expect(ends.sent).toEqual([]);
    vi.advanceTimersByTime(50);
    expect(ends.sent).toHaveLength(1);
    ends.deliver();
    expect(ends.finished).toEqual([task('a'), erred]);
    expect([...ends.running.keys()]).toEqual(['c']);
    vi.advanceTimersByTime(1000);
    expect(ends.sent).toEqual([]);
  });

  it('adds up what happens while the other process takes nothing', () => {
    const ends = new Ends().start();
    for (let i = 0; i < 10; i++) {
      ends.finish(`t-${i}`);
      vi.advanceTimersByTime(50);
    }
    // A hello and three batches; the rest waits.
    expect(ends.sent).toHaveLength(4);
    ends.remote.observe(ends.observer);
    ends.deliver();
    expect(ends.finished.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, i) => `t-${i}`));
    expect(ends.feed).toMatchObject({ told: 10, untold: 0, underWay: 0 });
  });

  it('forgets what a process misses that takes nothing for long, and says how much it was', () => {
    const ends = new Ends().start();
    ends.remote.observe(ends.observer);
    ends.core.scheduler.workers.add(new WorkerState(WORKER, '0', 2, 0, 1));
    for (let i = 0; i < 5; i++) {
      ends.finish(`early-${i}`);
      vi.advanceTimersByTime(50);
    }
    const many = 120_000;
    for (let i = 0; i < many; i++) ends.finish(`t-${i}`);
    ends.run('still');
    expect(ends.sent).toHaveLength(4);
    ends.deliver();
    expect(ends.missed).toHaveLength(1);
    expect(ends.missed[0]!.until).toBeGreaterThan(ends.missed[0]!.since);
    expect(ends.finished.length + ends.missed[0]!.size).toBe(many + 5);
    expect(ends.workers).toEqual([`+${WORKER}`]);
    ends.finish('after');
    vi.advanceTimersByTime(50);
    ends.deliver();
    expect(ends.finished.at(-1)!.key).toBe('after');
    expect(ends.missed).toHaveLength(1);
  });

  it('says to a new process what the one before it had been told', () => {
    const ends = new Ends().start();
    ends.deliver();
    ends.finish('a');
    vi.advanceTimersByTime(50);
    ends.deliver();
    ends.finish('b');
    ends.feed.lost();
    ends.finish('c');
    const next = new Ends();
    ends.feed.start((message) => next.sent.push(message));
    next.deliver();
    next.remote.observe(next.observer);
    expect(next.missed).toMatchObject([{ since: ends.core.started, size: 3 }]);
    // Told once, not to everyone who comes later.
    const later: MissedTasks[] = [];
    next.remote.observe({ missed: (gap) => later.push(gap) });
    expect(later).toEqual([]);
  });
});
