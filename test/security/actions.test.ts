import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLUSTER_ACTIONS } from '../../src/model/cluster-action.ts';
import { Scratch } from '../../src/recording/scratch.fixture.ts';
import { AuditLog } from '../../src/server/actions/audit-log.ts';
import { startServer, type TaskglassServer } from '../../src/server/server.ts';
import { Serving } from '../../src/server/serving.fixture.ts';
import { DaskSource } from '../../src/source/dask/index.ts';
import { DASK_VERSIONS, DaskCluster, Driver } from '../dask/cluster.ts';
import { Relay } from '../dask/relay.ts';
import { until } from '../support/until.ts';

const TOKEN = 'correct-horse';

interface Line {
  readonly action: string;
  readonly target: string;
  readonly outcome: string;
  readonly detail: string;
  readonly address: string;
  readonly who: { readonly via: string } | null;
}

describe.each(DASK_VERSIONS)('on Dask $version', ({ python, version }) => {
  let scratch: Scratch;
  let cluster: DaskCluster;
  let driver: Driver;
  let relay: Relay;
  let server: TaskglassServer;
  let auditLog: string;

  beforeAll(async () => {
    scratch = await Scratch.make();
    auditLog = scratch.join('logs', 'audit.ndjson');
    cluster = await DaskCluster.start({
      python,
      threads: 1,
      nanny: true,
      env: { DASK_DISTRIBUTED__WORKER__DAEMON: 'True' },
    });
    driver = await Driver.start(python, cluster.address);
    await driver.do('wait_for_workers', { count: 2 });
    relay = await Relay.start(Number(cluster.address.split(':').at(-1)));
    server = await startServer({
      source: new DaskSource(relay.address),
      port: 0,
      token: TOKEN,
      allowActions: { auditLog },
    });
  });
  afterAll(async () => {
    await server?.close();
    await relay?.[Symbol.asyncDispose]();
    await driver?.stop();
    await cluster?.stop();
    await scratch?.[Symbol.asyncDispose]();
  });

  const headers = { authorization: `Bearer ${TOKEN}` };
  const at = (place: string): string => `http://127.0.0.1:${server.port}/api/v1/${place}`;
  const api = async <T>(place: string): Promise<T> => (await (await fetch(at(place), { headers })).json()) as T;
  const act = async (name: string, target: unknown, more: Record<string, string> = headers) => {
    const response = await fetch(at(`actions/${name}`), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...more },
      body: JSON.stringify({ target }),
    });
    const { code, result } = (await response.json()) as { code?: string; result?: string };
    return { status: response.status, code, result };
  };
  const log = (): Line[] =>
    readFileSync(auditLog, 'utf8')
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  const workers = async () =>
    (await api<{ workers: { address: string; name: string; status: string }[] }>('workers')).workers.filter(
      ({ status }) => status === 'running',
    );

  test('a scrape of metrics, and reading the API, send the scheduler nothing', async () => {
    const { sent } = relay;
    expect(sent).toBeGreaterThan(0);
    for (let i = 0; i < 20; i++) {
      const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`, { headers })).text();
      expect(metrics).toContain('taskglass_link{state="connected"} 1');
      for (const place of ['cluster', 'workers', 'progress', 'tasks', 'actions']) await api(place);
    }
    expect(relay.sent).toBe(sent);
  });

  test('what may be done is said', async () => {
    expect(await api('actions')).toEqual({
      actions: CLUSTER_ACTIONS.filter((name) => name !== 'restart-task' || version >= '2023.1.1'),
    });
  });

  test('a task that erred is run again', async () => {
    await driver.do('fail', { message: 'no' });
    const erred = () => api<{ total: number; tasks: { key: string }[] }>('tasks?status=erred');
    const { tasks } = await until('it erred', async () => ((await erred()).total === 1 ? erred() : null));
    expect(await act('retry-task', tasks[0]!.key)).toMatchObject({ status: 200 });
    await until('it erred again', async () => (await erred()).total === 2);
  });

  test('a task that runs is cancelled', async () => {
    const { key, directory } = await driver.do<{ key: string; directory: string }>('hang');
    expect(await act('cancel-task', key)).toEqual({ status: 200, code: undefined, result: 'the task was cancelled' });
    writeFileSync(path.join(directory, 'stop'), '');
    expect(await act('cancel-task', key)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  test('a worker is started anew, and another one retired', async () => {
    const before = await until('both run', async () => ((await workers()).length === 2 ? workers() : null));
    const [first, second] = before as [(typeof before)[0], (typeof before)[0]];
    expect(await act('restart-worker', first.address)).toMatchObject({ status: 200 });
    const after = await until('it is back', async () => {
      const now = await workers();
      const again = now.find(({ name }) => name === first.name);
      return now.length === 2 && again?.address !== first.address ? now : null;
    });
    expect(after.map(({ name }) => name).sort()).toEqual(before.map(({ name }) => name).sort());
    expect(await act('retire-worker', second.address)).toMatchObject({ status: 200 });
    await until('it is gone', async () => (await workers()).every(({ address }) => address !== second.address));
    expect(await act('retire-worker', second.address)).toMatchObject({ status: 404 });
  });

  test('what is not right is refused, and written down like all that was asked for', async () => {
    const before = log();
    expect(before.filter(({ outcome }) => outcome === 'done').map(({ action }) => action)).toEqual([
      'retry-task',
      'cancel-task',
      'restart-worker',
      'retire-worker',
    ]);
    expect(before.every(({ who }) => who?.via === 'token')).toBe(true);
    expect(statSync(auditLog).mode & 0o077).toBe(0);

    const origin = { ...headers, origin: 'http://evil.example' };
    const answers = [
      await act('retire-worker', 'x', {}),
      await act('retire-worker', 'x', origin),
      await act('retire-worker', 'x', { ...headers, 'content-type': 'text/plain' }),
      await act('format-disk', 'x'),
      await act('retire-worker', 7),
      await act('retire-worker', 'tcp://nobody:1'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 403, 400, 404, 400, 404]);
    const lines = await until('all are written down', () => {
      const fresh = log().slice(before.length);
      return fresh.length >= 7 ? fresh : null;
    });
    expect(lines.filter(({ outcome }) => outcome === 'refused')).toHaveLength(5);
    expect(lines.filter(({ action }) => action === 'retire-worker').map(({ outcome }) => outcome)).toEqual(
      expect.arrayContaining(['asked', 'failed', 'refused']),
    );
    expect(lines.every(({ address }) => address === '127.0.0.1')).toBe(true);
  });
});

test('without being allowed nothing is offered and nothing done; allowed without a token, nothing starts', async () => {
  await using scratch = await Scratch.make();
  await using serving = await Serving.start();
  expect(await serving.json('/api/v1/actions')).toEqual({ actions: [] });
  const answer = await serving.fetch('/api/v1/actions/retire-worker', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"target": "tcp://a:1"}',
  });
  expect(await answer.json()).toMatchObject({ status: 403, code: 'ACTIONS_NOT_ALLOWED' });
  const auditLog = scratch.join('audit.ndjson');
  await expect(Serving.start({ allowActions: { auditLog } })).rejects.toMatchObject({ code: 'ACTIONS_WITHOUT_TOKEN' });
  await expect(Serving.start({ allowActions: { auditLog: scratch.path }, token: TOKEN })).rejects.toMatchObject({
    code: 'AUDIT_FAILED',
  });
});

test('strangers do not fill the audit log, and what is left out is counted', async () => {
  await using scratch = await Scratch.make();
  const file = scratch.join('audit.ndjson');
  const log = new AuditLog(file);
  const entry = { action: 'retire-worker', target: '', cluster: '', address: '10.0.0.1', detail: 'HTTP 401' } as const;
  for (let i = 0; i < 5_000; i++) log.write({ ...entry, who: null, outcome: 'refused' });
  const known = { via: 'token', user: null, session: null, address: '10.0.0.2' } as const;
  log.write({ ...entry, who: known, outcome: 'asked' });
  const lines = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line & { detail: string });
  expect(lines.length).toBeLessThan(100);
  expect(lines.at(-1)).toMatchObject({ outcome: 'asked', who: known });
  const left = lines.flatMap(({ detail }) => /^(\d+) more/.exec(detail)?.[1] ?? []);
  const written = lines.filter(({ detail, who }) => who === null && detail === entry.detail).length;
  expect(written + left.reduce((sum, count) => sum + Number(count), 0)).toBe(5_000);
});
