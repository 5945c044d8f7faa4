import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Child } from '../support/child.ts';
import { DaskCluster } from '../support/dask-cluster.ts';
import { freePort } from '../support/ports.ts';
import { ROOT } from '../support/project-files.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

interface ClusterAnswer {
  readonly id: string;
  readonly address: string;
  readonly link: string;
  readonly workers: number;
}

const WORK = 'def work(x):\n    return x\nheld = []';
const compute = (count: number): string =>
  `held.append(client.map(work, range(${count}), pure=False)); wait(held[-1]); None`;

const clusterOf = (taskglass: Taskglass): Promise<ClusterAnswer> => taskglass.api<ClusterAnswer>('cluster');
const stored = async (taskglass: Taskglass): Promise<number> =>
  (await taskglass.api<{ total: number }>('tasks?name=work&limit=1')).total;
const missed = async (taskglass: Taskglass): Promise<number> => {
  const { gaps } = await taskglass.api<{ gaps: { size: number | null }[] }>('runs');
  return gaps.reduce((sum, { size }) => sum + (size ?? Number.NaN), 0);
};
const has = (taskglass: Taskglass, count: number): Promise<unknown> =>
  until(`${count} tasks`, async () => (await stored(taskglass)) + (await missed(taskglass)) === count, {
    within: 60_000,
  });

describe('a scheduler in trouble', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'taskglass-faults-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('stands still for 30 s, killed, and started again at its address and at another one', async () => {
    const schedulerFile = path.join(folder, 'scheduler.json');
    await using cluster = await DaskCluster.start({
      workers: 1,
      schedulerArgs: ['--scheduler-file', schedulerFile],
      // Its own workers and clients would not wait that long for it.
      config: { 'distributed.comm.timeouts.tcp': '120s' },
    });
    await using taskglass = await Taskglass.start(['--scheduler-file', schedulerFile]);
    let driver = await cluster.client();
    await driver.run(WORK);
    await driver.run(compute(500));
    await has(taskglass, 500);

    const burst = driver.run(compute(2_000));
    cluster.scheduler.signal('SIGSTOP');
    try {
      await until('it is said to stand still', async () => (await clusterOf(taskglass)).link === 'stalled');
      await pause(30_000);
      expect((await clusterOf(taskglass)).link).toBe('stalled');
    } finally {
      cluster.scheduler.signal('SIGCONT');
    }
    await burst;
    await has(taskglass, 2_500);
    expect(await missed(taskglass)).toBe(0);

    let count = 2_500;
    let { id } = await clusterOf(taskglass);
    for (const port of [cluster.port, await freePort()]) {
      await cluster.scheduler.kill();
      await until('it is lost', async () => (await clusterOf(taskglass)).link === 'lost', { within: 1_000 });
      expect(await stored(taskglass)).toBe(count);
      await cluster.startScheduler(port);
      const now = await until('the new one', async () => {
        const answer = await clusterOf(taskglass);
        return answer.link === 'connected' && answer.id !== id ? answer : null;
      });
      expect(now.address).toBe(`tcp://127.0.0.1:${port}`);
      id = now.id;
      await cluster.startWorker(`again-${port}`);
      driver = await cluster.client();
      await driver.run(WORK);
      await driver.run(compute(100));
      count += 100;
      await has(taskglass, count);
    }
    const { runs } = await taskglass.api<{ runs: { cluster: string }[] }>('runs');
    expect(new Set(runs.map((run) => run.cluster)).size).toBe(3);
  });

  test('killed in the middle of a burst: what nobody can know any more is a gap of unknown size', async () => {
    await using cluster = await DaskCluster.start({ workers: 1 });
    await using taskglass = await Taskglass.start([cluster.address]);
    const driver = await cluster.client();
    await driver.run('import time\ndef work(x):\n    time.sleep(0.002)\n    return x\nheld = []');
    await driver.run('held.append(client.map(work, range(20_000), pure=False)); None');
    await until('some of them', async () => (await stored(taskglass)) > 100);
    const { id } = await clusterOf(taskglass);
    await cluster.scheduler.kill();
    await until('it is lost', async () => (await clusterOf(taskglass)).link === 'lost');
    const before = await stored(taskglass);
    expect(before).toBeLessThan(20_000);
    await cluster.startScheduler(cluster.port);
    await until('the new one', async () => {
      const answer = await clusterOf(taskglass);
      return answer.link === 'connected' && answer.id !== id;
    });
    const { gaps } = await taskglass.api<{ gaps: { size: number | null }[] }>('runs');
    expect(gaps.map(({ size }) => size)).toEqual([null]);
    expect(await stored(taskglass)).toBe(before);
  });

  test('the clock of the whole machine is stepped an hour on, and two back', async () => {
    const clock = path.join(folder, 'clock');
    const environment = { STEPPED_CLOCK: clock, PYTHONPATH: path.join(ROOT, 'test/faults/clock') };
    await using cluster = await DaskCluster.start({ workers: 1, environment });
    const patch = pathToFileURL(path.join(ROOT, 'test/faults/clock/stepped.mjs')).href;
    const args = [
      '--import',
      patch,
      'dist/cli.js',
      cluster.address,
      '--no-browser',
      '--port',
      String(await freePort()),
    ];
    await using taskglass = await Taskglass.serving(
      new Child(process.execPath, args, {
        env: { STEPPED_CLOCK: clock, TASKGLASS_RECORD_DIR: path.join(folder, 'recordings') },
      }),
    );
    const driver = await cluster.client();
    await driver.run(WORK);
    await driver.run(compute(200));
    await has(taskglass, 200);
    let count = 200;
    for (const offset of [3_600, -3_600]) {
      writeFileSync(clock, String(offset));
      for (const child of [cluster.scheduler, ...cluster.workers]) child.signal('SIGUSR1');
      taskglass.child.signal('SIGUSR2');
      await driver.run(compute(200));
      count += 200;
      await has(taskglass, count);
      expect(await missed(taskglass)).toBe(0);
      const there = (): number => Date.now() / 1000 + offset;
      await until('its clock is followed', async () => {
        const { time } = await taskglass.api<{ time: number }>('progress');
        return Math.abs(time - there()) < 60;
      });
      const { tasks } = await taskglass.api<{ tasks: { start: number; stop: number }[] }>('tasks?name=work&limit=1000');
      for (const { start, stop } of tasks) {
        expect(stop).toBeGreaterThanOrEqual(start);
        expect(stop - start).toBeLessThan(60);
      }
      const { link, workers } = await clusterOf(taskglass);
      expect({ link, workers }).toEqual({ link: 'connected', workers: 1 });
    }
  });
});
