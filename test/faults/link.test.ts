import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DaskCluster, type DaskDriver } from '../support/dask-cluster.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';
import { FlakyLink } from './flaky-link.ts';

interface Gap {
  readonly since: number;
  readonly until: number;
  readonly size: number | null;
}

/** The way to the scheduler behaves badly. Whatever it does: stored + gaps = finished. */
describe('a bad link to the scheduler', () => {
  let cluster: DaskCluster;
  let driver: DaskDriver;
  let link: FlakyLink;
  let taskglass: Taskglass;

  beforeAll(async () => {
    cluster = await DaskCluster.start({ workers: 1, threads: 2 });
    [driver, link] = await Promise.all([cluster.client(), FlakyLink.to(cluster.port)]);
    taskglass = await Taskglass.start([`tcp://127.0.0.1:${link.port}`]);
    await driver.run('def work(x):\n    return x\nheld = []\nfinished = 0');
  });
  afterAll(async () => {
    await taskglass?.[Symbol.asyncDispose]();
    await link?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const compute = (count: number): Promise<unknown> =>
    driver.run(
      `futures = client.map(work, range(${count}), pure=False); wait(futures); finished += ${count}; held.append(futures); None`,
    );
  const linkState = async (): Promise<string> => (await taskglass.api<{ link: string }>('cluster')).link;
  const state = (wanted: string): Promise<unknown> =>
    until(`the link is ${wanted}`, async () => (await linkState()) === wanted, { within: 60_000 });
  const gaps = async (): Promise<readonly Gap[]> => (await taskglass.api<{ gaps: Gap[] }>('runs')).gaps;
  /** Resolves once stored + gaps = finished; gives what the gaps are. */
  const adds = async (): Promise<number> => {
    const finished = await driver.run<number>('finished');
    return await until(`all ${finished} are accounted for`, async () => {
      const { total } = await taskglass.api<{ total: number }>('tasks?name=work&limit=1');
      const missed = (await gaps()).reduce((sum, { size }) => sum + (size ?? Number.NaN), 0);
      return total + missed === finished ? { missed } : null;
    }).then(({ missed }) => missed);
  };

  test('slow and in pieces of 7 bytes: everything arrives', async () => {
    link.weather.piece = 7;
    await compute(300);
    expect(await adds()).toBe(0);
    link.weather.piece = 0;
    link.weather.delay = 150;
    await compute(300);
    expect(await adds()).toBe(0);
    link.weather.delay = 0;
    expect(await linkState()).toBe('connected');
  });

  test('stalled for some seconds: said so, and nothing is lost', async () => {
    link.weather.stalled = true;
    await state('stalled');
    await compute(2_000);
    link.weather.stalled = false;
    await state('connected');
    expect(await adds()).toBe(0);
  });

  test.each([
    { how: 'reset in the middle of a message', end: () => link.reset() },
    { how: 'cut off in the middle of a message', end: () => link.truncate() },
  ])('$how, and healed: what was missed is a gap with its size', async ({ end }) => {
    const before = await adds();
    link.weather.up = false;
    end();
    // A link on which nothing is said is cut with the next thing that is.
    await compute(50);
    await state('lost');
    await compute(400);
    link.weather.up = true;
    await state('connected');
    const missed = (await adds()) - before;
    expect(missed).toBeGreaterThanOrEqual(400);
    expect(missed).toBeLessThanOrEqual(450);
    await compute(20);
    expect((await adds()) - before).toBe(missed);
    for (const gap of await gaps()) expect(gap.until).toBeGreaterThan(gap.since);
  });

  test('comes and goes many times', async () => {
    for (let i = 0; i < 12; i++) {
      link.reset();
      await compute(25);
    }
    await state('connected');
    await adds();
  });
});
