import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { DaskSource } from '../../src/source/dask/dask-source.ts';
import { type RecordedTask, RecordingSink } from '../../src/source/recording-sink.ts';
import { DASK_VERSIONS, DaskCluster, Driver } from './cluster.ts';

/** What Dask itself recorded of one run of a task. */
interface StreamTask {
  readonly key: string;
  readonly worker: string;
  readonly thread: number;
  readonly nbytes: number;
  readonly startstops: readonly (readonly [action: string, start: number, stop: number, source: string])[];
}

const SETTINGS = {
  DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION: 'inf',
  DASK_DISTRIBUTED__SCHEDULER__DASHBOARD__TASKS__TASK_STREAM_LENGTH: '200000',
};

/** The hundred thousand take minutes, so only on the newest version; the other gets a fifth of it. */
const BURSTS = { '2026.8.0': 20, '2022.12.1': 4 } as const;
const PER_BURST = 5_000;

describe.each(DASK_VERSIONS)('nothing is lost on Dask $version', ({ version, python }) => {
  let cluster: DaskCluster;
  let driver: Driver;
  let source: DaskSource;
  let sink: RecordingSink;

  beforeAll(async () => {
    cluster = await DaskCluster.start({ python, workers: 2, threads: 4, env: SETTINGS });
    driver = await Driver.start(python, cluster.address);
    await driver.do('watch_task_stream');
    sink = new RecordingSink();
    source = new DaskSource(cluster.address);
    await source.start(sink);
    await sink.until('workers', () => sink.workers.size === 2);
  }, 60_000);
  afterAll(async () => {
    await source?.close();
    await driver?.stop();
    await cluster?.stop();
  });

  it('bursts of tasks: each exactly once', async () => {
    const bursts = BURSTS[version];
    for (let i = 0; i < bursts; i++) {
      const token = await driver.do('burst', { count: PER_BURST, start: i * PER_BURST });
      await driver.do('release', { token });
    }
    const finished = bursts * PER_BURST;
    await sink.until('all records', () => sink.of('quick').length >= finished);
    const tasks = sink.of('quick');
    assert.equal(tasks.length, finished);
    assert.equal(new Set(tasks.map((task) => task.key)).size, finished);
    assert.deepEqual(sink.gaps, []);
    await sink.until('all counted as released', () => {
      const counts = sink.counts.get('quick')!;
      return counts.memory + counts.processing === 0 && counts.released + counts.forgotten === finished;
    });
    assert.equal(sink.counts.get('quick')!.nbytes, 0);
  }, 600_000);

  it('tasks that err and are retried: each run once', async () => {
    const token = await driver.do('retried', { count: 300 });
    await sink.until('all runs', () => sink.of('flaky').length >= 600);
    const tasks = sink.of('flaky');
    assert.equal(tasks.length, 600);
    assert.equal(tasks.filter((task) => task.status === 'erred').length, 300);
    assert.ok(tasks.every((task) => (task.status === 'erred') === (task.error !== undefined)));
    assert.ok(tasks.every((task) => !task.error || task.error.exception.includes('first attempt')));
    assert.equal(new Set(tasks.map((task) => task.key)).size, 300);
    await driver.do('release', { token });
  }, 180_000);

  it('a scheduler that stands still for 10 s: stored + gaps = finished', async () => {
    const before = sink.of('quick').length;
    const burst = driver.do<string>('burst', { count: 4_000, start: 1_000_000 });
    await sink.until('the burst began', () => sink.of('quick').length > before + 100);
    cluster.scheduler!.kill('SIGSTOP');
    try {
      await sink.until('stalled', () => sink.links.at(-1)?.state === 'stalled');
      await pause(10_000);
    } finally {
      cluster.scheduler!.kill('SIGCONT');
    }
    const token = await burst;
    const stored = (): number => sink.of('quick').length - before;
    const missed = (): number => sink.gaps.reduce((sum, gap) => sum + (gap.size ?? Number.NaN), 0);
    await sink.until('all of it', () => stored() + missed() === 4_000);
    assert.equal(missed(), 0, 'the connection stood it');
    assert.equal(sink.links.at(-1)!.state, 'connected');
    await driver.do('release', { token });
  }, 180_000);

  it('the odd ones: transfers, scattered data, keys that are hard to print', async () => {
    await driver.do('transfer');
    const keys = await driver.do<string[]>('odd_keys');
    await sink.until('the odd keys', () => keys.every((key) => sink.tasks.some((task) => task.key === key)));
    const token = await driver.do<string>('scatter', { count: 3, size: 100_000 });
    await agrees();
    await driver.do('release', { token });
    await agrees();
  }, 60_000);

  /** The bytes in memory are those that the scheduler's tasks have. */
  async function agrees(): Promise<void> {
    let truth: Record<string, number> = {};
    const deadline = Date.now() + 20_000;
    for (;;) {
      truth = await driver.do<Record<string, number>>('in_memory');
      const ours = Object.fromEntries(
        [...sink.counts].filter(([, c]) => c.nbytes > 0).map(([fn, c]) => [fn, c.nbytes]),
      );
      try {
        assert.deepEqual(ours, truth);
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      await pause(100);
    }
  }

  it('the records are those of get_task_stream', async () => {
    const stream = await driver.do<StreamTask[]>('task_stream');
    const ours = sink.tasks.filter((task) => !task.past);
    assert.equal(ours.length, stream.length);
    ours.forEach((task, i) => {
      assert.deepEqual(asStream(task), { ...stream[i]!, nbytes: task.status === 'memory' ? stream[i]!.nbytes : 0 });
    });
  }, 120_000);

  it('costs little', () => {
    const { cost } = sink;
    assert.ok(cost && cost.share < 0.2, JSON.stringify(cost));
  });
});

function asStream(task: RecordedTask): StreamTask {
  return {
    key: task.key,
    worker: task.worker,
    thread: task.thread,
    nbytes: task.nbytes,
    startstops: task.startstops.map((s) => [s.action, s.start, s.stop, s.origin]),
  };
}
