import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RESERVED_COLORS } from '../../src/model/palette.ts';
import { colorsOf } from '../../src/view/colors.ts';
import { keepPicture, launchBrowser, openPage, type WatchedPage } from '../support/browser.ts';
import { countColor, pictureOf } from '../support/canvas.ts';
import { DaskCluster, type DaskDriver } from '../support/dask-cluster.ts';
import {
  asShown,
  type ProgressAnswer,
  recordedProgress,
  recordProgress,
  shownNow,
} from '../support/progress-record.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

/** The example of Dask's own documentation of its web interface, release included. */
const EXAMPLE = `
import random
def inc(x):
    time.sleep(random.random() / 10)
    return x + 1
def dec(x):
    time.sleep(random.random() / 10)
    return x - 1
def add(x, y):
    time.sleep(random.random() / 10)
    return x + y
incs = client.map(inc, range(100))
decs = client.map(dec, range(100))
adds = client.map(add, incs, decs)
total = client.submit(sum, adds)
del incs, decs, adds
total.result()
`;

const STREAM = '[role=region][aria-label="Task stream"]';

/** One cluster, one process of ours and one page, from the first task on; the tests follow one another. */
describe('/status on a real Dask cluster', () => {
  let browser: Browser;
  let cluster: DaskCluster;
  let taskglass: Taskglass;
  let client: DaskDriver;
  let watched: WatchedPage;

  beforeAll(async () => {
    [browser, cluster] = await Promise.all([launchBrowser(), DaskCluster.start({ workers: 2, threads: 1 })]);
    [taskglass, client] = await Promise.all([Taskglass.start([cluster.address]), cluster.client()]);
    watched = await openPage(browser, taskglass.url('/status'), { colorScheme: 'light' });
    await watched.page.locator('[data-link=connected]').waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await taskglass?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const pixels = async (color: string): Promise<number> =>
    countColor(await pictureOf(watched.page.locator(`${STREAM} canvas`).first()), color);

  test('says who is watched before there is any task', async () => {
    await expect.poll(() => watched.page.locator('[data-total=workers]').textContent()).toBe('2');
    await keepPicture(watched.page, 'status-dask-empty');
  });

  test('while the example runs, the numbers equal those of the API at the same sequence number and add up', async () => {
    const { page } = watched;
    await recordProgress(page);
    const answers = new Map<number, ProgressAnswer>();
    const running = { now: true };
    const example = client.run(EXAMPLE).finally(() => {
      running.now = false;
    });
    while (running.now) {
      const answer = await taskglass.api<ProgressAnswer>('progress');
      answers.set(answer.seq, answer);
    }
    expect(await example).toBe(9900);

    const shown = await recordedProgress(page);
    const moments = [...answers.values()].filter((answer) => shown[answer.seq] !== undefined);
    expect(moments.length).toBeGreaterThanOrEqual(20);
    for (const answer of moments) {
      expect(shown[answer.seq], `at ${answer.seq}`).toEqual(asShown(answer));
      const sums = Object.values(asShown(answer).bars).map(({ total, ...states }) => {
        expect(Object.values(states).reduce((a, b) => a + b, 0)).toBe(total);
        return states;
      });
      for (const [state, sum] of Object.entries(asShown(answer).title)) {
        expect(sums.reduce((all, states) => all + states[state as keyof typeof states], 0)).toBe(sum);
      }
    }
    await keepPicture(page, 'status-dask-example');
  });

  test('bars end at 100, 100, 100 and 1, and stay there after release', async () => {
    const ended = { inc: 100, dec: 100, add: 100, sum: 1 };
    const done = async (): Promise<Record<string, number>> => {
      const { bars } = await shownNow(watched.page);
      return Object.fromEntries(Object.entries(bars).map(([name, bar]) => [name, bar.released + bar.memory]));
    };
    await expect.poll(done, { timeout: 5_000 }).toEqual(ended);
    await client.run('del total');
    await expect.poll(async () => (await shownNow(watched.page)).bars.sum?.released, { timeout: 5_000 }).toBe(1);
    expect(await done()).toEqual(ended);
    const { tasks } = await taskglass.api<{ tasks: Record<string, number> }>('cluster');
    expect(tasks.released).toBe(301);
  });

  test('what a task waited for is in its details and drawn, and its neighbours are a click away', async () => {
    const { page } = watched;
    interface Linked {
      readonly record: number;
      readonly key: string;
      readonly name: string;
    }
    interface Details extends Linked {
      readonly ready: number;
      readonly start: number;
      readonly dependencies: { readonly total: number; readonly tasks: readonly Linked[] };
      readonly dependents: { readonly total: number; readonly complete: boolean; readonly tasks: readonly Linked[] };
    }
    const details = (record: number) => taskglass.api<Details>(`tasks/${record}?dependents=1`);
    const { tasks } = await taskglass.api<{ tasks: Linked[] }>('tasks?name=sum');
    const sum = await details(tasks[0]!.record);
    expect(sum.dependencies).toMatchObject({ total: 100, tasks: Array(64).fill({ name: 'add' }) });
    expect(sum.dependents).toEqual({ total: 0, complete: true, tasks: [] });
    expect(sum.ready).toBeLessThanOrEqual(sum.start);

    await page.getByRole('button', { name: 'Show Task stream as table' }).click();
    await page.locator(`${STREAM} tr[data-record="${sum.record}"] button`).click();
    const card = page.getByRole('dialog', { name: 'Details' });
    await card.getByText('Depended on 100 tasks').waitFor();
    expect(await card.textContent()).toMatch(/ready\d\d:\d\d:\d\d\.\d+, waited .*, then .* compute/);
    await page.keyboard.press('f');
    await expect.poll(() => pixels(colorsOf('light').accent), { timeout: 5_000 }).toBeGreaterThan(500);
    await keepPicture(page, 'status-dask-fan-in');
    // Of those in the card the first that finished: its arrows are long.
    const listed = await card.getByRole('button', { name: /^add/ }).allTextContents();
    const [first] = sum.dependencies.tasks
      .filter(({ key }) => listed.includes(key))
      .sort((a, b) => a.record - b.record);
    const add = await details(first!.record);
    expect(add.dependencies.tasks.map(({ name }) => name).sort()).toEqual(['dec', 'inc']);
    expect(add.dependents).toMatchObject({ total: 1, complete: true, tasks: [{ record: sum.record }] });
    await card.getByRole('button', { name: add.key }).click();
    await card.getByText('1 task depended on it').waitFor();
    await card.getByText('Depended on 2 tasks').waitFor();
    await page.keyboard.press('f');
    await keepPicture(page, 'status-dask-chain');
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(() => pixels(colorsOf('dark').accent), { timeout: 5_000 }).toBeGreaterThan(100);
    await keepPicture(page, 'status-dask-chain-dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await card.getByRole('button', { name: 'Close the details' }).click();
    await page.keyboard.press('Escape');
    await expect.poll(() => pixels(colorsOf('light').accent), { timeout: 5_000 }).toBeLessThan(500);
  });

  test('a transfer is red', async () => {
    const { page } = watched;
    await page.locator('[data-link=connected]').waitFor();
    await client.run(`
def make(n):
    time.sleep(0.2)
    return b"x" * n
def size(data):
    time.sleep(0.2)
    return len(data)
there = client.submit(make, 80_000_000, workers=["worker-0"], pure=False)
wait(there)
size_of = client.submit(size, there, workers=["worker-1"], pure=False)
size_of.result()
`);
    await expect.poll(() => pixels(RESERVED_COLORS.transfer), { timeout: 5_000 }).toBeGreaterThan(20);
    const { tasks } = await taskglass.api<{ tasks: { startstops: { action: string; source?: string }[] }[] }>(
      'tasks?name=size',
    );
    expect(tasks[0]?.startstops[0]).toMatchObject({ action: 'transfer', source: expect.stringMatching(/^tcp:/) });
  });

  test('an erred task is black', async () => {
    expect(await pixels(RESERVED_COLORS.erred)).toBe(0);
    await client.run(`
def fail():
    time.sleep(0.4)
    raise ValueError("the reason")
failed = client.submit(fail, pure=False)
wait(failed)
`);
    await expect.poll(() => pixels(RESERVED_COLORS.erred), { timeout: 5_000 }).toBeGreaterThan(50);
    await keepPicture(watched.page, 'status-dask-erred');
  });

  test('a running task grows before it has finished', async () => {
    await client.run(`
def slow():
    time.sleep(4)
running = client.submit(slow, pure=False)
`);
    const { tasks } = await until('the running task', async () => {
      const answer = await taskglass.api<{ tasks: { name: string; stop: number | null }[] }>('tasks?status=processing');
      return answer.tasks.length > 0 ? answer : undefined;
    });
    expect(tasks[0]).toMatchObject({ name: 'slow', status: 'processing' });
    await client.run('running.result()');
  });

  test('the exception of an erred task is found and read with the keyboard alone', async () => {
    const { page } = watched;
    await page.keyboard.press('Escape');
    await page.locator('body').press('Tab');
    const focused = (): Promise<string> =>
      page.evaluate(
        () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
      );
    for (let i = 0; i < 60 && (await focused()) !== 'Show Task stream as table'; i++) await page.keyboard.press('Tab');
    expect(await focused()).toBe('Show Task stream as table');
    await page.keyboard.press('Enter');
    const table = page.locator(`${STREAM} table`);
    await table.waitFor();
    const row = table.locator('tr', { hasText: 'fail' }).first();
    await expect.poll(() => row.textContent()).toMatch(/ValueError.*the reason/);
    await page.keyboard.press('Escape');
  });

  test('nothing went wrong on the page', () => {
    expect(watched.problems).toEqual([]);
  });
});
