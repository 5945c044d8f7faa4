import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import type { Child } from '../support/child.ts';
import { DaskCluster, type DaskDriver } from '../support/dask-cluster.ts';
import { ROOT } from '../support/project-files.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

/** Characters of a key that the agent sends. */
const LONGEST_KEY = 4_096;
const WORKERS = 1_000;
const THREADS = 8;
const MEAN_SECONDS = 2;
/** Of the workers' clocks. */
const SKEW_SECONDS = 90;

interface Task {
  readonly key: string;
  readonly name: string;
  readonly start: number;
  readonly stop: number;
}

/** Keys as nobody should make them: the scheduler takes them, so we do. */
const ODD_KEYS = [
  '"x" * 10_000',
  "('tuple', 1, ('nested', 2.5))",
  "'🚀-launch'",
  "'مرحبا-بالعالم'",
  "'a\\u202egnp.exe'",
  "'line\\nbreak'",
  "' '",
];

/** A real scheduler with 1,000 workers of 8 threads each, which only pretend to work and whose clocks disagree. */
describe('a large cluster', () => {
  let cluster: DaskCluster;
  let driver: DaskDriver;
  let taskglass: Taskglass;
  let workers: Child;
  let browser: Browser;

  beforeAll(async () => {
    [cluster, browser] = await Promise.all([DaskCluster.start({ workers: 0 }), launchBrowser()]);
    taskglass = await Taskglass.start([cluster.address]);
    const numbers = [WORKERS, THREADS, MEAN_SECONDS, SKEW_SECONDS].map(String);
    workers = cluster.python([`${ROOT}/test/scale/simulated_workers.py`, cluster.address, ...numbers]);
    [driver] = await Promise.all([cluster.client(), workers.printed(/^ready/m, 120_000)]);
    await driver.run('def work(x):\n    return x\ndef many(x):\n    return x\ndef odd(x):\n    return x\nheld = []');
  });
  afterAll(async () => {
    await browser?.close();
    await taskglass?.[Symbol.asyncDispose]();
    await workers?.kill();
    await cluster?.[Symbol.asyncDispose]();
  });

  const total = async (filter = ''): Promise<number> =>
    (await taskglass.api<{ total: number }>(`tasks?limit=1${filter}`)).total;
  const noGaps = async (): Promise<void> => {
    expect((await taskglass.api<{ gaps: unknown[] }>('runs')).gaps).toEqual([]);
  };

  test('all of its workers and threads are shown, every task is there, at its time by the clock of the scheduler', async () => {
    await until('all workers', async () => (await taskglass.api<{ workers: number }>('cluster')).workers === WORKERS);
    expect(await taskglass.api('cluster')).toMatchObject({ threads: WORKERS * THREADS, link: 'connected' });
    const { page, problems } = await openPage(browser, taskglass.url('/status'));
    await page.locator('[data-total=workers]', { hasText: '1,000' }).waitFor();
    const began = Date.now() / 1000;
    await driver.run('held.append(client.map(work, range(6_000), pure=False)); None');
    await until('tasks run', async () => (await total('&status=processing')) > 100);
    await keepPicture(page, 'scale-status');
    await driver.run('wait(held[-1]); None');
    await until('all of them', async () => (await total('&name=work')) === 6_000);
    const { tasks } = await taskglass.api<{ tasks: Task[] }>('tasks?name=work&limit=10000');
    for (const { start, stop } of tasks) {
      // A clock that is wrong by a minute and a half would show.
      expect(start).toBeGreaterThan(began - SKEW_SECONDS / 2);
      expect(stop).toBeLessThan(Date.now() / 1000 + SKEW_SECONDS / 2);
    }
    for (const name of ['tasks', 'workers', 'status']) {
      await page.goto(taskglass.url(`/${name}`));
      await page.locator('[data-total=records]', { hasText: '6,000' }).waitFor();
      await keepPicture(page, `scale-${name}-after`);
    }
    expect(problems).toEqual([]);
    await page.context().close();
    await noGaps();
  });

  test('a burst of 10,000 tasks that finish in one moment, one of which took a day', async () => {
    const before = await total();
    await driver.run(`def burst(dask_scheduler):
    import time
    s = dask_scheduler
    worker = next(iter(s.workers))
    now = time.time()
    for i in range(10_000):
        key = f'burst-{i}'
        ts = s.new_task(key, None, 'released')
        ts.state = 'memory'
        ts.nbytes = 8
        startstops = ({'action': 'compute', 'start': now - (86_400 if i == 0 else 0.01), 'stop': now},)
        for plugin in list(s.plugins.values()):
            plugin.transition(key, 'processing', 'memory', stimulus_id='burst', worker=worker, nbytes=8,
                              thread=1, typename='int', type=b'', startstops=startstops)
client.run_on_scheduler(burst)`);
    await until('all of them', async () => (await total()) === before + 10_000);
    const { tasks } = await taskglass.api<{ tasks: Task[] }>('tasks?name=burst&limit=1&since=0');
    expect(tasks[0]?.stop).toBeGreaterThan(0);
    const { page, problems } = await openPage(browser, taskglass.url('/tasks'));
    await page.locator('[data-link=connected]').waitFor();
    await page.keyboard.press('f');
    await page.keyboard.press('f');
    await keepPicture(page, 'scale-a-day');
    expect(problems).toEqual([]);
    await page.context().close();
    await noGaps();
  });

  test('10,000 functions: all are counted, and the page shows what it can', async () => {
    await driver.run(
      "held.append(client.map(many, range(10_000), key=[f'fn{i:05}-{i:032x}' for i in range(10_000)])); wait(held[-1]); None",
      300_000,
    );
    const functions = await until(
      'all functions',
      async () => {
        const progress = await taskglass.api<{ functions: { name: string; total: number; memory: number }[] }>(
          'progress',
        );
        const mine = progress.functions.filter(({ name }) => /^fn\d{5}$/.test(name));
        return mine.length === 10_000 && mine.every(({ memory }) => memory === 1) ? mine : null;
      },
      { within: 60_000 },
    );
    expect(functions.every((fn) => fn.total === 1)).toBe(true);
    for (const name of ['status', 'tasks']) {
      const { page, problems } = await openPage(browser, taskglass.url(`/${name}`));
      await page.locator('[data-link=connected]').waitFor();
      await page.locator('[data-total=records]', { hasText: /^2\d,\d{3}$/ }).waitFor();
      await keepPicture(page, `scale-functions-${name}`);
      expect(problems).toEqual([]);
      await page.context().close();
    }
    await noGaps();
  });

  test('keys of 10 kB, of tuples, with emoji, from right to left', async () => {
    const printed = await driver.run<string[]>(
      `odd_keys = [${ODD_KEYS.join(', ')}]
futures = [client.submit(odd, i, key=key) for i, key in enumerate(odd_keys)]
held.append(futures)
wait(futures)
[str(future.key) for future in futures]`,
    );
    expect(printed).toHaveLength(ODD_KEYS.length);
    // What is too long is cut and says so.
    const shown = printed.map((key) => (key.length > LONGEST_KEY ? `${key.slice(0, LONGEST_KEY - 1)}…` : key));
    const missing = async (): Promise<string[]> => {
      const { tasks } = await taskglass.api<{ tasks: Task[] }>('tasks?limit=1000&order=newest');
      const keys = new Set(tasks.map(({ key }) => key));
      return shown.filter((key) => !keys.has(key)).map((key) => key.slice(0, 60));
    };
    await expect.poll(missing, { timeout: 20_000 }).toEqual([]);
    await noGaps();
  });
});
