import { readdirSync, readFileSync } from 'node:fs';
import { createServer, get, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { build } from '../../scripts/lib/build.mjs';
import { type Client, type Future, LocalCluster, type SchedulerInfo, taskOptions } from '../../src/engine/index.ts';
import type { DebugIndex, DebugTable, DebugView } from '../../src/model/debug.ts';
import { Child } from '../support/child.ts';
import { until } from '../support/until.ts';

/** The three servers of an embedded cluster: main pages, debug pages of the scheduler, debug pages of each worker. */

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const unit = z.enum(['count', 'bytes', 'bytes/s', 'seconds', 'time', 'share', 'percent', 'rate', 'text', 'key']);
const node: z.ZodType = z.object({
  name: z.string(),
  detail: z.string(),
  value: z.number(),
  children: z.array(z.lazy(() => node)),
});
/** What `src/model/debug.ts` says of a view, and what it says of its lengths. */
const VIEW = z.strictObject({
  topic: z.string(),
  title: z.string().min(1),
  time: z.number(),
  cost: z.number().nonnegative(),
  facts: z.array(z.strictObject({ name: z.string().min(1), unit, value })),
  tables: z.array(
    z
      .strictObject({
        title: z.string().min(1),
        columns: z.array(z.strictObject({ name: z.string().min(1), unit })).min(1),
        rows: z.array(z.array(value)),
        total: z.number(),
      })
      .refine(({ columns, rows, total }) => rows.length <= total && rows.every((row) => row.length === columns.length)),
  ),
  series: z.array(
    z
      .strictObject({
        title: z.string().min(1),
        unit,
        times: z.array(z.number()),
        lines: z.array(z.strictObject({ name: z.string().min(1), values: z.array(z.number().nullable()) })).min(1),
      })
      .refine(({ times, lines }) => lines.every(({ values }) => values.length === times.length)),
  ),
  trees: z.array(z.strictObject({ title: z.string().min(1), unit, root: node })),
  notes: z.array(z.string().min(1)),
});

const origin = (port: number | undefined): string => `http://127.0.0.1:${port}`;
const json = async <T>(url: string): Promise<T> => {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${response.status} for ${url}: ${await response.text()}`);
  return (await response.json()) as T;
};
const factOf = (view: DebugView, name: string): unknown => view.facts.find((fact) => fact.name === name)?.value;
/** A table's rows as objects. */
const rowsOf = (table: DebugTable | undefined): Record<string, unknown>[] =>
  table?.rows.map((row) => Object.fromEntries(table.columns.map(({ name }, i) => [name, row[i]]))) ?? [];

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that has ended and was not waited for is still there.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Ids of the processes that a process has started. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return new RegExp(`^PPid:\\s+${pid}$`, 'm').test(readFileSync(`/proc/${name}/status`, 'utf8'));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Listens where nothing listens yet. */
async function occupy(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.once('error', () => resolve()).listen(port, '127.0.0.1', () => resolve());
  });
  return server;
}

beforeAll(() => build());

describe('the servers of a cluster', () => {
  let cluster: LocalCluster;
  let client: Client;
  let info: SchedulerInfo;
  let main: string;
  let scheduler: string;
  /** In the order of the workers' names: they come up in any. */
  let workers: string[];
  const byName = <T extends { readonly name: string }>(all: readonly T[]): T[] =>
    [...all].sort((a, b) => Number(a.name) - Number(b.name));

  beforeAll(async () => {
    cluster = await LocalCluster.start({
      workers: 2,
      threadsPerWorker: 2,
      dashboard: { port: 0, debugPort: 0, workerDebugPort: 0 },
    });
    client = cluster.client();
    info = client.schedulerInfo();
    main = origin(info.services.dashboard);
    scheduler = `${origin(info.services['taskglass-debug'])}/api/v1/debug`;
    workers = byName(Object.values(info.workers)).map(
      ({ services }) => `${origin(services['taskglass-debug'])}/api/v1/debug`,
    );
  });
  afterAll(() => cluster?.close());

  const pagesPid = async (): Promise<number> =>
    Number(factOf(await json<DebugView>(`${scheduler}/comms`), 'process of the pages'));

  test('each listens at the port that the scheduler lists, in a process of its own', async () => {
    expect(client.dashboardLink).toBe(`${main}/status`);
    for (const url of [main, scheduler, ...workers]) {
      expect(await json(new URL('/health', url).href)).toMatchObject({ status: 'ok' });
    }
    const pids = await Promise.all([scheduler, ...workers].map(async (url) => (await json<DebugIndex>(url)).pid));
    expect(pids).toEqual([process.pid, ...byName(Object.values(info.workers)).map(({ pid }) => pid)]);
    const pages = await pagesPid();
    expect(isAlive(pages)).toBe(true);
    expect(pids).not.toContain(pages);
  });

  test('/status is served, and the numbers behind it live', async () => {
    const page = await fetch(`${main}/status`);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<title>Taskglass')]);
    const total = async (): Promise<number> => (await json<{ total: number }>(`${main}/api/v1/tasks?limit=1`)).total;
    const before = await total();
    const futures = client.map((x: number) => x * 2, Array(50).keys());
    await client.gather(futures);
    await until('fifty more records', async () => (await total()) === before + 50);
    for (const future of futures) future.release();
    const { workers: seen } = await json<{ workers: { address: string; services: object }[] }>(
      `${main}/api/v1/workers`,
    );
    expect(Object.fromEntries(seen.map(({ address, services }) => [address, services]))).toEqual(
      Object.fromEntries(Object.entries(info.workers).map(([address, { services }]) => [address, services])),
    );
  });

  describe('while tasks run', () => {
    let hanging: Future[];
    let held: Future<Uint8Array>[];

    beforeAll(async () => {
      held = client.map((x: number) => new Uint8Array(x), [1000, 2000, 3000], taskOptions({ workers: '0' }));
      await client.gather(held);
      await client.submit((data: Uint8Array) => data.length, held[2]!, taskOptions({ workers: '1' })).result();
      hanging = client.map(
        function hang(_: number) {
          return new Promise<number>(() => setInterval(() => {}, 1000));
        },
        [1, 2, 3, 4, 5, 6, 7, 8],
      );
      await until('four run', () => cluster.workers.every(({ processing }) => processing.size >= 2));
      await until('their workers know', async () => {
        const views = await Promise.all(workers.map((url) => json<DebugView>(`${url}/tasks`)));
        return views.every((view) => factOf(view, 'executing') === 2);
      });
    });
    afterAll(() => client.cancel(hanging));

    test('every topic of every process answers as the model says', async () => {
      for (const url of [scheduler, ...workers]) {
        const { topics } = await json<DebugIndex>(url);
        expect(topics.length).toBeGreaterThanOrEqual(10);
        // Twice: the second look finds what the first one began to measure.
        for (const { topic, title } of [...topics, ...topics]) {
          const view = await json<DebugView>(`${url}/${topic}`);
          expect(VIEW.safeParse(view).error, `${url}/${topic}`).toBeUndefined();
          expect(view).toMatchObject({ topic, title });
          expect(Math.abs(view.time - Date.now() / 1000)).toBeLessThan(60);
        }
      }
    });

    test('what the scheduler shows is what schedulerInfo says', async () => {
      const now = client.schedulerInfo();
      const occupancy = await json<DebugView>(`${scheduler}/occupancy`);
      const byWorker = rowsOf(occupancy.tables[0]).map((row) => [
        row.address,
        { name: row.worker, status: row.status, threads: row.threads, inMemory: row['in memory'], nbytes: row.results },
      ]);
      const expected = Object.entries(now.workers).map(([address, { name, status, nthreads, metrics }]) => [
        address,
        { name, status, threads: nthreads, inMemory: metrics.in_memory, nbytes: metrics.managed_bytes },
      ]);
      expect(Object.fromEntries(byWorker)).toEqual(Object.fromEntries(expected));
      const states = await json<DebugView>(`${scheduler}/states`);
      expect(factOf(states, 'processing')).toBe(
        cluster.workers.reduce((sum, worker) => sum + worker.processing.size, 0),
      );
      expect(rowsOf(states.tables[0]).find((row) => row.function === 'hang')).toMatchObject({
        processing: factOf(states, 'processing'),
        queued: factOf(states, 'queued'),
      });
      const queues = await json<DebugView>(`${scheduler}/queues`);
      const queued = hanging.filter(({ task }) => task.state === 'queued').map(({ key }) => key);
      expect(queued.length).toBeGreaterThan(0);
      expect(rowsOf(queues.tables[0]).map(({ key }) => key)).toEqual(queued);
      const clients = await json<DebugView>(`${scheduler}/clients`);
      expect(rowsOf(clients.tables[0])).toMatchObject([{ 'futures held': client.held }]);
      const bandwidth = await json<DebugView>(`${scheduler}/bandwidth`);
      expect(rowsOf(bandwidth.tables[0])).toContainEqual(expect.objectContaining({ from: '0', to: '1' }));
      const transitions = await json<DebugView>(`${scheduler}/transitions`);
      const kinds = rowsOf(transitions.tables[0]);
      expect(kinds.reduce((sum, { all }) => sum + Number(all), 0)).toBe(factOf(transitions, 'transitions'));
      expect(kinds).toContainEqual(expect.objectContaining({ from: 'processing', to: 'memory' }));
    });

    test('what a worker shows is what runs and lies there', async () => {
      for (const [i, worker] of byName(cluster.workers).entries()) {
        const [tasks, stored] = await Promise.all([
          json<DebugView>(`${workers[i]}/tasks`),
          json<DebugView>(`${workers[i]}/stored`),
        ]);
        const keys = rowsOf(tasks.tables[0]).map(({ key }) => key);
        expect(keys).toHaveLength(2);
        for (const key of keys) expect(hanging.map((future) => future.key)).toContain(key);
        expect(factOf(stored, 'results')).toBe(worker.holds.size);
        expect(factOf(stored, 'together')).toBe(worker.nbytes);
      }
      const sizes = rowsOf((await json<DebugView>(`${workers[0]}/stored`)).tables[0]);
      expect(sizes.map(({ key }) => key)).toEqual(expect.arrayContaining(held.map(({ key }) => key)));
      expect(Number(sizes[0]?.size)).toBeGreaterThanOrEqual(Number(sizes.at(-1)?.size));
      const transfers = rowsOf((await json<DebugView>(`${workers[1]}/transfers`)).tables[0]);
      expect(transfers).toContainEqual(expect.objectContaining({ from: byName(cluster.workers)[0]?.address }));
      const history = rowsOf((await json<DebugView>(`${workers[0]}/history`)).tables[0]);
      expect(history.map(({ key }) => key)).toEqual(expect.arrayContaining(held.map(({ key }) => key)));
    });

    test('the main pages give the same, through the scheduler', async () => {
      const [worker] = byName(cluster.workers);
      for (const [direct, through] of [
        [scheduler, `${main}/scheduler/api/v1/debug`],
        [workers[0]!, `${main}/workers/0/api/v1/debug`],
        [workers[0]!, `${main}/workers/${encodeURIComponent(worker!.address)}/api/v1/debug`],
      ] as const) {
        const index = await json<DebugIndex>(direct);
        expect(await json(through)).toEqual(index);
        const topic = index.role === 'scheduler' ? 'states' : 'stored';
        const { facts, tables } = await json<DebugView>(`${direct}/${topic}`);
        expect(await json(`${through}/${topic}`)).toMatchObject({ facts, tables });
      }
      expect((await fetch(`${main}/workers/nobody/api/v1/debug`)).status).toBe(404);
      expect((await fetch(`${main}/workers/0/api/v1/debug/nothing`)).status).toBe(404);
    });

    test('a worker that is stopped is not waited for', async () => {
      const { pid } = byName(cluster.workers)[0]!;
      process.kill(pid, 'SIGSTOP');
      try {
        // A topic that nobody has read yet: readings are shared for a moment.
        const response = await fetch(`${main}/workers/0/api/v1/debug/logs`);
        expect([response.status, await response.json()]).toMatchObject([504, { code: 'DEBUG_TIMEOUT' }]);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    });
  });

  test('all refuse a host name that is not theirs', async () => {
    const status = (url: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        get(url, { headers: { host: 'rebound.example' } }, (response) => resolve(response.resume().statusCode)).on(
          'error',
          reject,
        );
      });
    for (const url of [`${main}/status`, scheduler, ...workers]) expect(await status(url), url).toBe(403);
  });

  test('the cluster goes on when the process of the pages is killed, and the pages come back at their address', async () => {
    const before = await pagesPid();
    process.kill(before, 'SIGKILL');
    await until('it is gone', () => cluster.dashboardLink === null);
    const meanwhile = client.map((x: number) => x + 1, Array(20).keys());
    expect(await client.gather(meanwhile)).toHaveLength(20);
    await until('it is back', () => cluster.dashboardLink !== null, { within: 60_000 });
    expect(cluster.dashboardLink).toBe(`${main}/status`);
    expect(await pagesPid()).not.toBe(before);
    // It knows nothing of what was told to the one before, and says so.
    const known = async (): Promise<number> => {
      const { gaps } = await json<{ gaps: { size: number }[] }>(`${main}/api/v1/runs`);
      const { total } = await json<{ total: number }>(`${main}/api/v1/tasks?limit=1`);
      expect(gaps).toHaveLength(1);
      expect(gaps[0]!.size).toBeGreaterThanOrEqual(54);
      return gaps[0]!.size + total;
    };
    await until('what is stored and what is missing are all that finished', async () => (await known()) === 74);
    expect(await json(`${main}/api/v1/cluster`)).toMatchObject({ link: 'connected', workers: 2 });
  });
});

describe('a program with a cluster', () => {
  interface Said {
    readonly link: string | null;
    readonly info: SchedulerInfo;
  }
  const program = (options: object): Child =>
    new Child(process.execPath, ['test/engine/dashboard.fixture.mjs', JSON.stringify(options)]);
  const said = async (child: Child): Promise<Said> => JSON.parse((await child.printed(/^\{.*\}$/m))[0]) as Said;

  test('gets its web interface by default, at free ports, and it ends with the program', async () => {
    // Whatever listens there, ours or not: none of the usual ports is free.
    const others = await Promise.all([8787, 8788, 8789].map(occupy));
    await using child = program({});
    const { link, info } = await said(child);
    const port = Number(new URL(link ?? '').port);
    expect(child.output).toContain(`Taskglass UI at: http://127.0.0.1:${port}/status\n`);
    expect(port).toBeGreaterThanOrEqual(8790);
    const [worker] = Object.values(info.workers);
    const ports = [port, info.services['taskglass-debug'], worker?.services['taskglass-debug']];
    expect(info.services.dashboard).toBe(port);
    expect(new Set(ports).size).toBe(3);
    for (const one of ports) {
      expect([8787, 8788, 8789]).not.toContain(one);
      expect((await fetch(`${origin(one)}/health`)).status).toBe(200);
    }
    for (const other of others) other.close();
    const started = childrenOf(child.pid);
    expect(started).toHaveLength(2);
    child.signal('SIGKILL');
    await until('nothing is left', () => !started.some(isAlive));
  });

  test('prints nothing and starts nothing but workers without it', async () => {
    await using child = program({ dashboard: false });
    const { link, info } = await said(child);
    expect([link, info.services, Object.values(info.workers).map(({ services }) => services)]).toEqual([
      null,
      {},
      [{}],
    ]);
    expect(child.output.trim().split('\n')).toHaveLength(1);
    expect(childrenOf(child.pid)).toEqual(Object.values(info.workers).map(({ pid }) => pid));
  });

  test('fails at once for a port that it asked for and cannot have, and leaves nothing running', async () => {
    const other = await occupy(0);
    const { port } = other.address() as { port: number };
    const before = childrenOf(process.pid);
    await expect(LocalCluster.start({ workers: 1, dashboard: { port } })).rejects.toMatchObject({ code: 'PORT_TAKEN' });
    await until('nothing is left', () => childrenOf(process.pid).every((pid) => before.includes(pid) || !isAlive(pid)));
    other.close();
    const exposed = LocalCluster.start({ workers: 1, dashboard: { host: '0.0.0.0' } });
    await expect(exposed).rejects.toMatchObject({ code: 'EXPOSED_WITHOUT_TOKEN' });
    const misspelt = LocalCluster.start({ workers: 1, dashboard: { prot: 1 } as object });
    await expect(misspelt).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });

  test('asks for its token on all of its servers', async () => {
    await using child = program({ dashboard: { token: 'sesame', port: 0, debugPort: 0, workerDebugPort: 0 } });
    const { link, info } = await said(child);
    expect(link).toMatch(/\?token=sesame$/);
    const [worker] = Object.values(info.workers);
    for (const port of [info.services['taskglass-debug'], worker?.services['taskglass-debug']]) {
      const url = `${origin(port)}/api/v1/debug`;
      expect((await fetch(url)).status).toBe(401);
      expect((await fetch(url, { headers: { authorization: 'Bearer sesame' } })).status).toBe(200);
    }
    expect((await fetch(`${origin(info.services.dashboard)}/api/v1/cluster`)).status).toBe(401);
  });
});
