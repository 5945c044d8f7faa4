import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, type FinishedTask, LocalCluster, moduleFunction, taskOptions } from '../../src/engine/index.ts';
import { ensureBuilt } from './built.ts';
import { until } from './until.ts';

/** The engine as its users meet it, with real processes. */
describe('a local cluster', () => {
  let cluster: LocalCluster;
  let client: Client;

  beforeAll(async () => {
    ensureBuilt();
    cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 2, dashboard: false });
    client = cluster.client();
  });
  afterAll(() => cluster?.close());

  const inc = (x: number) => x + 1;

  it('runs functions, ordinary and async, in worker processes', async () => {
    const pid: number = await client.submit(() => process.pid).result();
    expect(cluster.workers.map((worker) => worker.pid)).toContain(pid);
    const later = client.submit(async (x: number) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { twice: x * 2, at: new Date(0), tags: new Set(['a']) };
    }, 21);
    expect(await later.result()).toEqual({ twice: 42, at: new Date(0), tags: new Set(['a']) });
    expect(later.status).toBe('finished');
  });

  it('gives keys the name of their function', () => {
    expect(client.submit(inc, 1).key).toMatch(/^inc-[0-9a-f-]{36}$/);
    expect(client.submit(() => 1).key).toMatch(/^lambda-/);
    expect(client.submit(inc, 1, taskOptions({ key: 'mine' })).key).toBe('mine');
    expect(client.map(inc, [1, 2], taskOptions({ key: 'row' })).map((future) => future.key)).toEqual([
      'row-0',
      'row-1',
    ]);
  });

  it('replaces futures in arguments at any depth', async () => {
    const [one, two] = client.map(inc, [0, 1]);
    const total = client.submit(
      (x: number, o: { list: number[]; map: Map<string, number>; set: Set<number> }) =>
        x + o.list.reduce((a, b) => a + b, 0) + (o.map.get('k') ?? 0) + [...o.set].reduce((a, b) => a + b, 0),
      one!,
      { list: [one!, 10, two!], map: new Map([['k', two!]]), set: new Set([two!]) },
    );
    expect(await total.result()).toBe(1 + (1 + 10 + 2) + 2 + 2);
  });

  it('maps over several iterables, futures among them, and gathers any shape', async () => {
    const incs = client.map(inc, Array(10).keys());
    const sums = client.map((x: number, y: number) => x + y, incs, [100, 200, 300]);
    expect(sums).toHaveLength(3);
    expect(await client.gather({ sums, first: incs[0], text: 'as it is' })).toEqual({
      sums: [101, 202, 303],
      first: 1,
      text: 'as it is',
    });
  });

  it('runs exported functions of modules', async () => {
    const resolve = moduleFunction('node:path', 'basename');
    expect(await client.submit(resolve, '/a/b.txt').result()).toBe('b.txt');
    const url = `data:text/javascript,${encodeURIComponent('const k = 5; export const addK = (x) => x + k;')}`;
    expect(await client.submit(moduleFunction<(x: number) => number>(url, 'addK'), 1).result()).toBe(6);
    await expect(client.submit(moduleFunction(url, 'missing')).result()).rejects.toMatchObject({ code: 'TASK_ERRED' });
  });

  it('refuses at once what cannot be sent', () => {
    const k = Math.random();
    const refused = (run: () => unknown, code: string, text: string) => {
      expect(run).toThrow(expect.objectContaining({ code }));
      expect(run).toThrow(text);
    };
    refused(() => client.submit((x: number) => x + k, 1), 'FUNCTION_NOT_PORTABLE', '"k"');
    refused(() => client.submit(Math.sqrt, 4), 'FUNCTION_NOT_PORTABLE', 'native code');
    refused(() => client.submit((f: unknown) => f, inc), 'ARGUMENT_NOT_PORTABLE', 'could not be cloned');
    refused(() => client.map(inc, 5 as never), 'OPTION_INVALID', 'not iterable');
  });

  it('brings errors back with their remote stack, and to what depends on them', async () => {
    const bad = client.submit(function explode(what: string): number {
      throw new RangeError(`no ${what}`);
    }, 'luck');
    const error = (await bad.result().catch((thrown: unknown) => thrown)) as Error & { cause: Error };
    expect(error).toMatchObject({ code: 'TASK_ERRED' });
    expect(error.message).toContain('RangeError: no luck');
    expect(error.cause).toMatchObject({ name: 'RangeError', message: 'no luck' });
    expect(error.cause.stack).toMatch(/at explode \(task:explode:\d+:\d+\)/);
    expect(error.cause.stack).not.toContain('piscina');
    const dependent = client.submit(inc, bad);
    await expect(dependent.result()).rejects.toThrow(`${bad.key}: RangeError: no luck`);
    expect([bad.status, dependent.status]).toEqual(['error', 'error']);
  });

  it('tells results that cannot be sent, thrown text, and a thread that ends itself', async () => {
    await expect(client.submit(() => () => 1).result()).rejects.toThrow('could not be cloned');
    await expect(
      client
        .submit(() => {
          throw 'just text';
        })
        .result(),
    ).rejects.toThrow('just text');
    await expect(client.submit(() => process.exit(3)).result()).rejects.toThrow('the thread ended by itself');
    expect(await client.gather(client.map(inc, Array(20).keys()))).toHaveLength(20);
  });

  it('tries again what may fail', async () => {
    const file = join(tmpdir(), `taskglass-retry-${process.pid}-${Date.now()}`);
    const flaky = (path: string) => {
      const fs = process.getBuiltinModule('node:fs');
      fs.appendFileSync(path, 'x');
      const tries = fs.readFileSync(path).length;
      if (tries < 3) throw new Error(`try ${tries}`);
      fs.rmSync(path);
      return tries;
    };
    expect(await client.submit(flaky, file, taskOptions({ retries: 2 })).result()).toBe(3);
  });

  it('frees a result in its worker when the last future is released', async () => {
    const held = () => cluster.workers.reduce((sum, worker) => sum + worker.nbytes, 0);
    const before = held();
    const make = () => new Uint8Array(5_000_000);
    const first = client.submit(make, taskOptions({ key: 'big' }));
    const second = client.submit(make, taskOptions({ key: 'big' }));
    expect((await first.result()).length).toBe(5_000_000);
    expect(held() - before).toBeGreaterThan(5_000_000);
    first.release();
    first.release();
    expect((await second.result()).length).toBe(5_000_000);
    second[Symbol.dispose]();
    expect(held()).toBe(before);
    await expect(first.result()).rejects.toMatchObject({ code: 'FUTURE_RELEASED' });
    expect(() => client.submit(inc, first as never)).toThrow(expect.objectContaining({ code: 'FUTURE_RELEASED' }));
    // The worker itself says so too.
    await until(() => managed() < before + 1_000_000);
    function managed(): number {
      const readings = [...cluster.core.heartbeats.values()];
      return readings.reduce((sum, heartbeat) => sum + heartbeat.readings.managed, 0);
    }
  });

  it('moves results between workers and times it', async () => {
    const records: FinishedTask[] = [];
    const watching = cluster.observe({ finished: (task) => records.push(task) });
    const data = client.submit(() => new Uint8Array(20_000_000), taskOptions({ workers: '0' }));
    const size = client.submit((bytes: Uint8Array) => bytes.length, data, taskOptions({ workers: '1' }));
    expect(await size.result()).toBe(20_000_000);
    watching[Symbol.dispose]();
    const [made, used] = records;
    expect(made!.nbytes).toBeGreaterThan(20_000_000);
    const [transfer, compute] = used!.startstops;
    expect(transfer).toMatchObject({ action: 'transfer', source: made!.worker });
    expect(transfer!.stop).toBeGreaterThan(transfer!.start);
    expect(compute!.start).toBeGreaterThanOrEqual(transfer!.stop);
    expect(transfer!.start).toBeGreaterThanOrEqual(made!.startstops[0]!.stop);
    // Both hold it now, and both let go of it.
    expect(cluster.workers.map((worker) => worker.nbytes > 20_000_000)).toEqual([true, true]);
    data.release();
    expect(cluster.workers.map((worker) => worker.nbytes > 20_000_000)).toEqual([false, false]);
  });

  it('runs a task where its input is', async () => {
    const data = client.submit(() => new Uint8Array(30_000_000), taskOptions({ workers: '1' }));
    const records: FinishedTask[] = [];
    await data.wait();
    const watching = cluster.observe({ finished: (task) => records.push(task) });
    await client.gather([client.submit((bytes: Uint8Array) => bytes.length, data)]);
    watching[Symbol.dispose]();
    expect(records[0]!.startstops.map((slice) => slice.action)).toEqual(['compute']);
    data.release();
  });

  it('cancels what runs, what waits, and what depends on it', async () => {
    const hang = (_: number) => new Promise<number>(() => setInterval(() => {}, 1000));
    const spin = () => {
      for (;;);
    };
    const futures = [...client.map(hang, [1, 2, 3]), client.submit(spin), client.submit(spin)];
    const dependent = client.submit(inc, futures[0]!);
    const results = [...futures, dependent].map((future) => future.result().catch((error: unknown) => error));
    await until(() => cluster.workers.some((worker) => worker.processing.size > 0));
    client.cancel(futures);
    for (const result of await Promise.all(results)) expect(result).toMatchObject({ code: 'TASK_CANCELLED' });
    expect(dependent.status).toBe('cancelled');
    // All threads are free again.
    expect(await client.gather(client.map(inc, Array(8).keys()))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('describes itself as Dask does', async () => {
    await until(() => cluster.core.heartbeats.size === 2);
    const info = client.schedulerInfo();
    expect(info).toMatchObject({ type: 'Scheduler', id: cluster.id, services: {} });
    for (const [address, worker] of Object.entries(info.workers)) {
      expect(address).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
      expect(worker).toMatchObject({ type: 'Worker', host: '127.0.0.1', nthreads: 2, status: 'running', services: {} });
      expect(worker.metrics.memory).toBeGreaterThan(1e7);
    }
  });

  it('does ten thousand tiny tasks', async () => {
    const futures = client.map(inc, Array(10_000).keys());
    const results = await client.gather(futures);
    expect(results).toEqual(Array.from({ length: 10_000 }, (_, i) => i + 1));
    for (const future of futures) future.release();
    expect([...cluster.core.scheduler.tasks.values()].filter((task) => task.key === futures[0]!.key)).toEqual([]);
  });

  it('closes a client with all its futures', async () => {
    const other = cluster.client();
    const future = other.submit(inc, 1);
    await future.result();
    other.close();
    expect(future.status).toBe('cancelled');
    expect(cluster.core.scheduler.tasks.has(future.key)).toBe(false);
  });
});
