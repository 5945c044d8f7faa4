import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepPicture, launchBrowser, openPage, type WatchedPage } from '../support/browser.ts';
import { asShown, type ProgressAnswer, recordedProgress, recordProgress } from '../support/progress-record.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

interface WorkersAnswer {
  readonly workers: readonly { readonly address: string; readonly pid: number }[];
}

/** `taskglass demo`, as a newcomer sees it. */
describe('/status on the embedded engine', () => {
  let browser: Browser;
  let taskglass: Taskglass;
  let watched: WatchedPage;

  beforeAll(async () => {
    [browser, taskglass] = await Promise.all([
      launchBrowser(),
      Taskglass.start(['demo', '--workers', '2', '--threads-per-worker', '2']),
    ]);
    watched = await openPage(browser, taskglass.url('/status'));
    await watched.page.locator('[data-link=connected]').waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await taskglass?.[Symbol.asyncDispose]();
  });

  const done = async (): Promise<Record<string, number>> => {
    const bars = watched.page.locator('[role=region][aria-label=Progress] li[data-function]');
    const rows = await bars.evaluateAll((elements) =>
      elements.map((element) => {
        const { function: name = '', released, memory } = (element as HTMLElement).dataset;
        return [name, Number(released) + Number(memory)] as const;
      }),
    );
    return Object.fromEntries(rows);
  };

  test('the example has run at the start: bars end at 100, 100, 100 and 1', async () => {
    await expect.poll(done, { timeout: 60_000 }).toEqual({ inc: 100, dec: 100, add: 100, sum: 1 });
    expect(await taskglass.api('cluster')).toMatchObject({
      engine: 'embedded',
      link: 'connected',
      workers: 2,
      threads: 4,
    });
  });

  test('the button runs it again; the numbers equal those of the API at the same sequence number', async () => {
    const { page } = watched;
    await recordProgress(page);
    const answers = new Map<number, ProgressAnswer>();
    // A busy machine shows fewer moments of a run than one would like to compare: then it runs yet another time.
    for (let runs = 2, compared = 0; compared < 20; runs++) {
      expect(runs, `runs, with ${compared} moments to compare`).toBeLessThanOrEqual(5);
      await page.getByRole('button', { name: 'Run example' }).click();
      await until(
        `the example, run ${runs}`,
        async () => {
          const answer = await taskglass.api<ProgressAnswer>('progress');
          answers.set(answer.seq, answer);
          return (await taskglass.api<{ total: number }>('tasks?limit=1')).total === 301 * runs;
        },
        { within: 60_000, every: 10 },
      );
      const shown = await recordedProgress(page);
      const moments = [...answers.values()].filter((answer) => shown[answer.seq] !== undefined);
      for (const answer of moments) expect(shown[answer.seq], `at ${answer.seq}`).toEqual(asShown(answer));
      compared = moments.length;
    }
    await keepPicture(page, 'status-embedded');
  });

  test('a task that moved a result between workers says where from and how long', async () => {
    const { tasks } = await taskglass.api<{
      tasks: readonly { readonly startstops: readonly { readonly action: string; readonly source?: string }[] }[];
    }>('tasks?name=add&limit=200');
    const transfers = tasks.flatMap((task) => task.startstops).filter(({ action }) => action === 'transfer');
    expect(transfers.length).toBeGreaterThan(0);
    const { workers } = await taskglass.api<WorkersAnswer>('workers');
    for (const { source } of transfers) expect(workers.map(({ address }) => address)).toContain(source);
  });

  test('a worker process that is killed disappears from /workers, and another takes its place', async () => {
    const { page, problems } = await openPage(browser, taskglass.url('/workers'));
    const [killed] = (await taskglass.api<WorkersAnswer>('workers')).workers;
    if (killed === undefined) throw new Error('no worker');
    const row = page.locator(`tr[data-worker="${killed.address}"]`);
    await row.and(page.locator('[data-mood=running]')).waitFor();
    process.kill(killed.pid, 'SIGKILL');
    await row.and(page.locator('[data-mood=running]')).waitFor({ state: 'detached', timeout: 10_000 });
    await expect.poll(() => page.locator('tr.worker[data-mood=running]').count(), { timeout: 20_000 }).toBe(2);
    const { workers } = await taskglass.api<WorkersAnswer>('workers');
    expect(workers.map(({ pid }) => pid)).not.toContain(killed.pid);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('nothing went wrong on the page', () => {
    expect(watched.problems).toEqual([]);
  });
});
