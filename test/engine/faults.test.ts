import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FinishedTask, LocalCluster, runExample, taskOptions } from '../../src/engine/index.ts';
import { ensureBuilt } from './built.ts';
import { until } from './until.ts';

/** What the engine promises when things go wrong. */

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a local cluster in trouble', () => {
  beforeAll(ensureBuilt);

  it('gets the right result although a worker is killed on the way, and starts it again', async () => {
    await using cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 2, dashboard: false });
    const [victim] = cluster.workers;
    const records: FinishedTask[] = [];
    const events: string[] = [];
    cluster.observe({
      finished: (task) => {
        records.push(task);
        if (records.length === 150) process.kill(victim!.pid, 'SIGKILL');
      },
      workerRemoved: (worker) => events.push(`- ${worker.name}`),
      workerAdded: (worker) => events.push(`+ ${worker.name}`),
    });
    expect(await runExample(cluster.client())).toBe(9900);
    // What the dead worker held was computed again.
    expect(records.length).toBeGreaterThan(301);
    await until(() => cluster.workers.length === 2);
    expect(events.slice(2)).toEqual([`- ${victim!.name}`, `+ ${victim!.name}`]);
    expect(cluster.core.scheduler.tasks.size).toBe(0);
  });

  it('gives a task up that kills every worker, and only that one', async () => {
    await using cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1, dashboard: false });
    const client = cluster.client();
    const deaths: number[] = [];
    const erred: string[] = [];
    cluster.observe({
      workerRemoved: (worker) => deaths.push(worker.pid),
      finished: (task) => erred.push(`${task.status} ${task.error?.exception.split(':')[0]}`),
    });
    const killer = client.submit(() => process.kill(process.pid, 'SIGKILL'));
    const dependent = client.submit((x: unknown) => x, killer);
    await expect(killer.result()).rejects.toMatchObject({ code: 'KILLED_WORKER' });
    await expect(dependent.result()).rejects.toThrow('KilledWorker');
    expect(new Set(deaths).size).toBe(4);
    expect(erred).toEqual(['erred KilledWorker']);
    expect(await client.submit(() => 1).result()).toBe(1);
  });

  it('settles everything when it closes, and leaves no process', async () => {
    const cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1, dashboard: false });
    const client = cluster.client();
    const pids = cluster.workers.map((worker) => worker.pid);
    const done = client.submit(() => 1);
    await done.result();
    const spin = (_: number) => {
      for (;;);
    };
    const futures = [...client.map(spin, [1, 2, 3, 4]), done];
    const waiting: Promise<unknown>[] = futures
      .slice(0, 4)
      .map((future) => future.result().catch((error: unknown) => error));
    await Promise.all([cluster.close(), cluster.close()]);
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'CLUSTER_CLOSED' });
    expect(pids.filter(isAlive)).toEqual([]);
    await expect(done.result()).rejects.toMatchObject({ code: 'CLUSTER_CLOSED' });
    expect(() => client.submit(() => 1)).toThrow(expect.objectContaining({ code: 'CLUSTER_CLOSED' }));
    for (const future of futures) future.release();
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)('leaves no worker behind when its program gets %s', async (signal) => {
    const program = spawn(process.execPath, [fileURLToPath(new URL('./orphan.fixture.mjs', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(program.stdout, 'data')) as [Buffer];
    const pids = JSON.parse(line.toString()) as number[];
    expect(pids.filter(isAlive)).toHaveLength(2);
    program.kill(signal);
    await until(() => !pids.some(isAlive));
  });

  it('pauses a worker that fills its memory, and goes on when there is room again', async () => {
    await using cluster = await LocalCluster.start({
      workers: 1,
      threadsPerWorker: 1,
      memoryLimit: '300MB',
      dashboard: false,
    });
    const client = cluster.client();
    const fill = (_: number) => new Uint8Array(100e6).fill(1);
    const hoard = client.map(fill, Array(3).keys());
    await until(() => cluster.workers[0]!.status === 'paused');
    const waiting = client.submit(() => 'at last');
    for (const future of hoard) future.release();
    expect(await waiting.result()).toBe('at last');
  });

  it('says when a worker cannot start, and leaves nothing running', async () => {
    const start = LocalCluster.start({ workers: 1, execArgv: ['--no-such-option'], dashboard: false });
    await expect(start).rejects.toMatchObject({ code: 'WORKER_START_FAILED' });
  });

  it('waits for a worker that may run the task', async () => {
    await using cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1, dashboard: false });
    const future = cluster.client().submit(() => 1, taskOptions({ workers: 'nobody' }));
    expect(future.task.state).toBe('no-worker');
  });

  it('takes an observer off that throws', async () => {
    await using cluster = await LocalCluster.start({ workers: 1, threadsPerWorker: 1, dashboard: false });
    const warned = once(process, 'warning');
    cluster.observe({
      counted: () => {
        throw new Error('observer at fault');
      },
    });
    expect(
      await cluster
        .client()
        .submit(() => 1)
        .result(),
    ).toBe(1);
    expect(String((await warned)[0])).toContain('observer at fault');
    expect(cluster.observers).toBe(0);
  });
});
