import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { recordingStats } from '../../src/recording/stats.ts';
import { Child } from '../support/child.ts';
import { DaskCluster, type DaskDriver } from '../support/dask-cluster.ts';
import { freePort } from '../support/ports.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

// Two real schedulers, watched by one server, by `taskglass record`, and by the server that a scheduler starts.

interface Clusters {
  readonly clusters: readonly { name: string; pages: string; link: string; tasks: number }[];
}
interface Recordings {
  readonly recordings: readonly {
    id: string;
    pages: string;
    address: string;
    tasks: number;
    live: boolean;
    functions: { name: string; tasks: number }[];
  }[];
}

const folder = mkdtempSync(path.join(tmpdir(), 'taskglass-clusters-'));
let first: DaskCluster;
let second: DaskCluster;
let drivers: readonly [DaskDriver, DaskDriver];

beforeAll(async () => {
  [first, second] = await Promise.all([
    DaskCluster.start({ workers: 1 }),
    DaskCluster.start({ workers: 1, version: '2022.12.1' }),
    build(),
  ]);
  drivers = await Promise.all([first.client(), second.client()]);
});
afterAll(async () => {
  await Promise.all([first?.[Symbol.asyncDispose](), second?.[Symbol.asyncDispose]()]);
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `count` tasks of a function of this name. */
const run = (driver: DaskDriver, name: string, count: number): Promise<unknown> =>
  driver.run(`
def ${name}(x):
    return x
client.gather(client.map(${name}, range(${count}), pure=False))
`);

test('several clusters: one server, one history, and the one that is away keeps nobody waiting', async () => {
  const recordings = path.join(folder, 'several');
  const file = path.join(folder, 'clusters.txt');
  const nobody = `tcp://127.0.0.1:${await freePort()}`;
  writeFileSync(file, `${second.address} old one # the oldest\n${nobody} nobody\n`);
  await using taskglass = await Taskglass.start([first.address, '--clusters', file, '--record-dir', recordings]);
  expect(taskglass.child.output).toContain(`Watching 3 clusters: ${first.address}, old one, nobody.`);
  const state = async () =>
    (await taskglass.api<Clusters>('clusters')).clusters.map(({ name, pages, link, tasks }) => [
      name,
      pages,
      link,
      tasks,
    ]);
  await until(
    'both are reached',
    async () => (await state()).filter(([, , link]) => link === 'connected').length === 2,
  );
  await Promise.all([run(drivers[0], 'alpha', 30), run(drivers[1], 'beta', 20)]);
  await until('every task is there', async () => {
    const [a, b] = await state();
    return a?.[3] === 30 && b?.[3] === 20;
  });
  expect(await state()).toEqual([
    [first.address, '', 'connected', 30],
    ['old one', 'clusters/old-one/', 'connected', 20],
    ['nobody', 'clusters/nobody/', 'connecting', 0],
  ]);
  const total = async (at: string, name: string): Promise<number> =>
    ((await (await fetch(taskglass.url(`${at}/api/v1/tasks?name=${name}`))).json()) as { total: number }).total;
  expect([await total('', 'alpha'), await total('', 'beta')]).toEqual([30, 0]);
  expect([await total('/clusters/old-one', 'alpha'), await total('/clusters/old-one', 'beta')]).toEqual([0, 20]);
  const listed = async () => (await taskglass.api<Recordings>('recordings')).recordings;
  await until('both are written', async () => (await listed()).every(({ tasks }) => tasks > 0));
  expect((await listed()).map(({ pages, live, tasks }) => [pages, live, tasks]).sort()).toEqual([
    ['', true, 30],
    ['clusters/old-one/', true, 20],
  ]);
  await second.scheduler.kill();
  await until('its loss is said', async () => (await state())[1]?.[2] === 'lost');
  await run(drivers[0], 'gamma', 10);
  await until('the other one goes on', async () => (await total('', 'gamma')) === 10);
  expect(await total('/clusters/old-one', 'beta')).toBe(20);
});

test('taskglass record writes down what finishes until it is told to stop', async () => {
  const directory = path.join(folder, 'recorded');
  await using child = new Child(process.execPath, ['dist/cli.js', 'record', first.address, '-o', directory]);
  await child.printed(new RegExp(`Recording ${first.address} to `));
  await run(drivers[0], 'written', 40);
  const tasksOf = async (): Promise<number> => {
    const { summary } = await recordingStats(directory);
    return summary.functions.find(({ name }) => name === 'written')?.tasks ?? 0;
  };
  await until('it is written', async () => (await tasksOf()) === 40);
  child.signal('SIGINT');
  expect(await child.ended()).toBe(0);
  expect(child.output).toMatch(/Recorded [\d,]+ tasks\./);
  expect(await tasksOf()).toBe(40);
  expect(await readdir(path.join(directory, 'events'))).toEqual(['000001.events']);
});

test('the server that a scheduler starts records into the same folder, and seals when it ends', async () => {
  const recordings = path.join(folder, 'preloaded');
  await using child = new Child(process.execPath, ['dist/web/server.mjs']);
  const line = { address: first.address, host: '127.0.0.1', port: 0, record: { maxCount: 5 }, recordings };
  child.write(`${JSON.stringify(line)}\n`);
  const [, port] = await child.printed(/"port":(\d+)/);
  await until('it is connected', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/health`);
    return ((await answer.json()) as { link: string }).link === 'connected';
  });
  await run(drivers[0], 'preloaded', 25);
  const listed = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/recordings`);
    return ((await answer.json()) as Recordings).recordings[0];
  };
  const tasksOf = async () => (await listed())?.functions.find(({ name }) => name === 'preloaded')?.tasks;
  await until('it is written', async () => (await tasksOf()) === 25);
  const { id, live, pages } = (await listed())!;
  expect([live, pages]).toEqual([true, '']);
  child.endInput();
  expect(await child.ended()).toBe(0);
  expect(child.output).not.toContain('"level":50');
  expect(await readdir(path.join(recordings, id, 'events'))).toEqual(['000001.events']);
  expect(await readdir(path.join(recordings, id, 'journal'))).toEqual([]);
});
