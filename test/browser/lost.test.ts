import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import { DaskCluster } from '../support/dask-cluster.ts';
import { Taskglass } from '../support/taskglass.ts';

interface RunsAnswer {
  readonly runs: readonly { readonly records: number; readonly cluster: string }[];
}

/** What goes away: a worker, then the scheduler, which then comes back at the same address. */
describe('a cluster that loses its parts', () => {
  let browser: Browser;
  let cluster: DaskCluster;
  let taskglass: Taskglass;

  beforeAll(async () => {
    [browser, cluster] = await Promise.all([launchBrowser(), DaskCluster.start({ workers: 2, threads: 2 })]);
    taskglass = await Taskglass.start([cluster.address]);
  });
  afterAll(async () => {
    await browser?.close();
    await taskglass?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const bars = (page: Page): Promise<string[]> =>
    page
      .locator('[role=region][aria-label=Progress] li[data-function]')
      .evaluateAll((elements) =>
        elements.map((element) => `${element.getAttribute('data-function')} ${element.getAttribute('data-total')}`),
      );

  test('a killed worker stands out on /workers, and no longer counts', async () => {
    const { page, problems } = await openPage(browser, taskglass.url('/workers'));
    const alive = page.locator('tr.worker:not([data-mood=lost])');
    await expect.poll(() => alive.count()).toBe(2);
    await cluster.workers[0]?.kill();
    await expect.poll(() => alive.count(), { timeout: 10_000 }).toBe(1);
    await expect.poll(() => page.locator('[data-total=workers]').textContent()).toBe('1');
    expect((await taskglass.api<{ workers: unknown[] }>('workers')).workers).toHaveLength(1);
    await keepPicture(page, 'workers-lost');
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('a killed scheduler is announced within a second; its return needs no reload and begins a new run', async () => {
    const { page, problems } = await openPage(browser, taskglass.url('/status'));
    await page.locator('[data-link=connected]').waitFor();
    const client = await cluster.client();
    await client.run('client.gather(client.map(inc, range(50)))');
    await expect.poll(() => bars(page), { timeout: 10_000 }).toEqual(['inc 50']);
    // What finished in its last tick a scheduler takes with it.
    const records = page.locator('[data-total=records]');
    await expect.poll(() => records.textContent(), { timeout: 10_000 }).toBe('50');
    await page.evaluate(() => Object.assign(globalThis, { notReloaded: true }));
    // The moment it is announced, by the page's own clock, so that nothing of this test's is measured.
    await page.evaluate(() => {
      const shell = document.querySelector<HTMLElement>('[data-link]');
      if (shell === null) throw new Error('no shell');
      new MutationObserver(() => {
        if (shell.dataset.link === 'connected' || 'announcedAt' in globalThis) return;
        Object.assign(globalThis, { announcedAt: performance.timeOrigin + performance.now() });
      }).observe(shell, { attributes: true });
    });

    const { port } = cluster;
    const killedAt = Date.now();
    await cluster.scheduler.kill();
    await page.getByRole('alert').waitFor({ timeout: 5_000 });
    const announcedAt = await page.evaluate(() => (globalThis as unknown as { announcedAt: number }).announcedAt);
    expect(announcedAt - killedAt).toBeLessThanOrEqual(1_000);
    expect(await page.getByRole('alert').textContent()).toMatch(/scheduler/i);
    expect(await bars(page)).toEqual(['inc 50']);
    await keepPicture(page, 'status-scheduler-lost');
    expect(await (await fetch(taskglass.url('/health'))).json()).toMatchObject({
      status: 'ok',
      link: expect.not.stringMatching('connected'),
    });

    await cluster.startScheduler(port);
    await cluster.startWorker('worker-again');
    await page.locator('[data-link=connected]').waitFor({ timeout: 30_000 });
    const again = await cluster.client();
    await again.run('client.gather(client.map(dec, range(20)))');
    await expect.poll(() => bars(page), { timeout: 10_000 }).toEqual(['dec 20']);
    expect(await page.evaluate(() => 'notReloaded' in globalThis)).toBe(true);
    const runs = async (): Promise<RunsAnswer['runs']> => (await taskglass.api<RunsAnswer>('runs')).runs;
    await expect.poll(async () => (await runs()).map((run) => run.records), { timeout: 10_000 }).toEqual([50, 20]);
    const [before, after] = await runs();
    expect(before?.cluster).not.toBe(after?.cluster);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('a lost server is announced, and its return needs no reload', async () => {
    const { page } = await openPage(browser, taskglass.url('/status'));
    await page.locator('[data-link=connected]').waitFor();
    const port = new URL(taskglass.origin).port;
    await taskglass[Symbol.asyncDispose]();
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/server does not answer/);
    taskglass = await Taskglass.start([cluster.address], port);
    await page.locator('[data-server=open][data-link=connected]').waitFor({ timeout: 30_000 });
    await page.context().close();
  });
});
