import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DaskCluster, type DaskDriver } from '../support/dask-cluster.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

interface TasksAnswer {
  readonly total: number;
  readonly tasks: readonly { readonly key: string; readonly status: string; readonly worker_name: string }[];
}
interface WorkersAnswer {
  readonly workers: readonly {
    readonly name: string;
    readonly address: string;
    readonly status: string;
    readonly pid: number;
    readonly executing: number;
  }[];
}

/** Workers that are killed, paused, retired and restarted, watched by the real command: every run of every task is there once. */
describe('workers in trouble', () => {
  let cluster: DaskCluster;
  let driver: DaskDriver;
  let taskglass: Taskglass;

  beforeAll(async () => {
    cluster = await DaskCluster.start({ workers: 2, threads: 2, nanny: true });
    [driver, taskglass] = await Promise.all([cluster.client(), Taskglass.start([cluster.address])]);
  });
  afterAll(async () => {
    await taskglass?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const runs = (name: string): Promise<TasksAnswer> => taskglass.api<TasksAnswer>(`tasks?name=${name}&limit=1000`);
  const workers = async () => (await taskglass.api<WorkersAnswer>('workers')).workers;
  const finished = (name: string, count: number): Promise<TasksAnswer> =>
    until(`${count} runs of ${name}`, async () => {
      const answer = await runs(name);
      return answer.tasks.filter(({ status }) => status === 'memory').length >= count ? answer : null;
    });
  /** Defines a function that returns its argument after so many seconds, and starts it so many times. */
  const start = (name: string, count: number, seconds: number, more = ''): Promise<unknown> =>
    driver.run(
      `def ${name}(x):\n    import time\n    time.sleep(${seconds})\n    return x\n` +
        `futures = client.map(${name}, range(${count}), pure=False${more})`,
    );
  const noGaps = async (): Promise<void> => {
    expect((await taskglass.api<{ gaps: unknown[] }>('runs')).gaps).toEqual([]);
  };

  test('killed while it works: what ran there is lost and runs once more, and its nanny brings it back to its rows', async () => {
    const before = await until('two workers', async () => ((await workers()).length === 2 ? workers() : null));
    await start('held', 4, 2);
    await until('all four run', async () => (await workers()).every(({ executing }) => executing === 2));
    const victim = before.find(({ name }) => name === 'worker-0')!;
    process.kill(victim.pid, 'SIGKILL');
    await driver.run('wait(futures); None');
    const { tasks } = await finished('held', 4);
    const of = (status: string): string[] => tasks.filter((task) => task.status === status).map(({ key }) => key);
    expect(new Set(of('memory')).size).toBe(4);
    expect(of('memory')).toHaveLength(4);
    // The two that ran on it, as far as its last heartbeat said so.
    expect(of('lost').length).toBeLessThanOrEqual(2);
    for (const key of of('lost')) expect(of('memory')).toContain(key);
    const back = await until('it is back', async () => {
      const worker = (await workers()).find(({ name }) => name === 'worker-0');
      return worker !== undefined && worker.pid !== victim.pid ? worker : null;
    });
    expect(back.address).not.toBe(victim.address);
    await start('after', 40, 0.01);
    await finished('after', 40);
    expect((await taskglass.api<{ threads: number }>('cluster')).threads).toBe(4);
    await noGaps();
  });

  test('paused for its memory and going on: its status says so, and nothing is lost', async () => {
    const pauseAt = (fraction: number): Promise<unknown> =>
      driver.run(
        `def pause_at(dask_worker):\n    dask_worker.memory_manager.memory_pause_fraction = ${fraction}\n` +
          `client.run(pause_at, workers=[w for w, v in client.scheduler_info()['workers'].items() if v['name'] == 'worker-1']); None`,
      );
    await pauseAt(0.001);
    await until('paused', async () => (await workers()).some(({ status }) => status === 'paused'));
    await start('during', 20, 0.01);
    const { tasks } = await finished('during', 20);
    expect(new Set(tasks.map(({ worker_name }) => worker_name))).toEqual(new Set(['worker-0']));
    await pauseAt(0.8);
    await until('running', async () => (await workers()).every(({ status }) => status === 'running'));
    expect((await runs('during')).total).toBe(20);
    await noGaps();
  });

  test('all restarted by their client: its tasks are forgotten, their runs are not', async () => {
    await start('before_restart', 30, 0.01);
    await finished('before_restart', 30);
    const pids = new Set((await workers()).map(({ pid }) => pid));
    await driver.run('client.restart(); None');
    await until('new processes', async () => {
      const now = await workers();
      return now.length === 2 && now.every(({ pid }) => pid > 0 && !pids.has(pid));
    });
    expect((await runs('before_restart')).total).toBe(30);
    await start('after_restart', 30, 0.01);
    await finished('after_restart', 30);
    const progress = await taskglass.api<{ functions: { name: string; total: number; memory: number }[] }>('progress');
    expect(progress.functions.find(({ name }) => name === 'after_restart')).toMatchObject({ total: 30, memory: 30 });
    await noGaps();
  });

  test('retired: it leaves, what it held is moved, and every run is still there', async () => {
    await driver.run("client.retire_workers(names=['worker-1']); None");
    await until('one worker', async () => (await workers()).length === 1);
    await start('rest', 10, 0.01);
    await finished('rest', 10);
    expect((await runs('rest')).tasks.every(({ worker_name }) => worker_name === 'worker-0')).toBe(true);
    expect((await runs('after_restart')).total).toBe(30);
    await noGaps();
  });
});
