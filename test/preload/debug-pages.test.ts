import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DebugIndex, DebugView } from '../../src/model/debug.ts';
import { checkDebugIndex, checkDebugView } from '../../src/model/debug-check.ts';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import type { Child } from '../support/child.ts';
import type { DaskDriver } from '../support/dask-cluster.ts';
import { until } from '../support/until.ts';
import { Preloaded } from './preloaded.ts';

/** Tasks of every state, data on both workers, transfers, and functions that a profile can see; they last as long as the client. */
const WORK = `
import threading
def spin(x, seconds=0.2):
    end = time.time() + seconds
    while time.time() < end:
        # Seen by a profile, and yet the browser has the processor too.
        sum(range(1000))
        time.sleep(0.01)
    return x
def block(x, *more):
    return b"x" * 100_000
def fail(x):
    raise ValueError("a debug page shows this")
blocks = [client.submit(block, i, key=f"block-{i}", workers=[list(client.scheduler_info()["workers"])[i % 2]]) for i in range(10)]
wait(blocks)
moved = client.submit(block, 0, *blocks, key="moved-0")
failed = client.submit(fail, 1, key="fail-1")
wait([moved, failed])
# More than there are threads, for as long as anybody looks.
spinning = client.map(spin, range(2000), seconds=0.5, pure=False)
len(blocks)
`;

interface Process {
  /** Where its debug page is, directly and through the main server. */
  readonly direct: string;
  readonly through: string;
}

/** Every debug page of a real scheduler and a real worker, in a real browser, while tasks run. */
describe('the debug pages of a cluster', () => {
  let dask: Preloaded;
  let client: DaskDriver;
  let browser: Browser;
  let two: Child;
  let scheduler: Process;
  let worker: Process;
  /** Address of the worker. */
  let one = '';

  beforeAll(async () => {
    [dask, browser] = await Promise.all([Preloaded.start(), launchBrowser()]);
    [, two] = (await Promise.all(
      ['one', 'two'].map((name) => dask.worker(['--name', name, '--taskglass-debug-port', '0'])),
    )) as [Child, Child];
    client = await dask.client();
    const main = (await dask.announced()).origin;
    const { services, workers } = await client.run<{
      services: Record<string, number>;
      workers: Record<string, { id: string; services: Record<string, number> }>;
    }>('client.sync(client.scheduler.identity)');
    const at = (port: number | undefined): string => `http://127.0.0.1:${port}/debug`;
    const [address, known] = Object.entries(workers).find(([, { id }]) => id === 'one')!;
    one = address;
    scheduler = { direct: at(services['taskglass-debug']), through: `${main}/scheduler/debug` };
    worker = { direct: at(known.services['taskglass-debug']), through: `${main}/workers/one/debug` };
    await until('the main server to know the workers', async () => {
      const answer = await fetch(`${main}/workers/one/api/v1/debug`);
      return answer.ok;
    });
    await client.run(WORK);
  });
  afterAll(async () => {
    await browser?.close();
    await dask?.[Symbol.asyncDispose]();
  });

  const api = async <T>(page: string, topic = ''): Promise<T> => {
    const response = await fetch(page.replace(/debug$/, `api/v1/debug${topic === '' ? '' : `/${topic}`}`));
    expect(response.status, `${page} ${topic}`).toBe(200);
    return (await response.json()) as T;
  };
  test.each([
    ['the scheduler’s, directly', () => scheduler.direct],
    ['the scheduler’s, through the main server', () => scheduler.through],
    ['a worker’s, directly', () => worker.direct],
    ['a worker’s, through the main server', () => worker.through],
  ])('%s: every topic is read, drawn, and as the page expects', async (_whose, address) => {
    const index = await api<DebugIndex>(address());
    expect(checkDebugIndex(index)).toEqual(index);
    const { page, problems } = await openPage(browser, address());
    await page.locator(`[data-line=live][data-role=${index.role}]`).waitFor();
    for (const { topic, title } of index.topics) {
      const view = await api<DebugView>(address(), topic);
      expect(checkDebugView(view), topic).toEqual(view);
      expect(view.title, topic).toBe(title);
      await look(page, title, view);
    }
    expect(problems).toEqual([]);
    await page.context().close();
  });

  /** Brings a panel on screen and compares it with an answer that is about as old. */
  async function look(page: Page, title: string, view: DebugView): Promise<void> {
    const panel = page.getByRole('region', { name: title, exact: true });
    await panel.scrollIntoViewIfNeeded();
    await panel.locator('.numbers', { hasText: /^read \d\d:\d\d:\d\d/ }).waitFor();
    for (const { name } of view.facts) await panel.locator('dt', { hasText: name }).first().waitFor();
    // Some titles name a task that runs just then.
    for (const table of view.tables.filter((one) => !/\d/.test(one.title)))
      await panel.getByText(table.title).first().waitFor();
    expect(await panel.locator('.failure').count(), title).toBe(0);
    await keepPicture(page, `real-${await page.locator('.shell').getAttribute('data-role')}-${view.topic}`);
  }

  /** What a fact of a panel says on screen. */
  const shown = (page: Page, title: string, name: string) =>
    page
      .getByRole('region', { name: title, exact: true })
      .locator('.fact')
      .filter({ has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) })
      .locator('dd');

  /** Reads a fact that only grows, between two answers of the process itself. */
  async function between(page: Page, [title, name]: readonly [string, string], ask: () => Promise<number>) {
    await page.getByRole('region', { name: title, exact: true }).scrollIntoViewIfNeeded();
    await shown(page, title, name).waitFor();
    const before = await ask();
    // What is on screen now may have been read before that.
    await expect.poll(async () => number(await shown(page, title, name).textContent())).toBeGreaterThanOrEqual(before);
    const value = number(await shown(page, title, name).textContent());
    expect(value, `${title}: ${name}`).toBeLessThanOrEqual(await ask());
  }

  test('what the scheduler’s page says is what the scheduler says', async () => {
    const { page } = await openPage(browser, scheduler.through);
    const ask = (what: string) => () => client.run<number>(`client.run_on_scheduler(lambda dask_scheduler: ${what})`);
    await between(page, ['States', 'Memory'], ask('sum(t.state == "memory" for t in dask_scheduler.tasks.values())'));
    expect(number(await shown(page, 'States', 'Tasks').textContent())).toBe(await ask('len(dask_scheduler.tasks)')());
    expect(number(await shown(page, 'States', 'Erred').textContent())).toBe(1);
    await between(page, ['Transitions', 'Transitions'], ask('dask_scheduler.transition_counter'));
    await page.getByRole('region', { name: 'Occupancy', exact: true }).scrollIntoViewIfNeeded();
    await expect.poll(async () => number(await shown(page, 'Occupancy', 'Workers').textContent())).toBe(2);
    const pid = await ask('__import__("os").getpid()')();
    await page.getByRole('region', { name: 'This process' }).getByText(String(pid), { exact: true }).waitFor();
    await page.context().close();
  });

  test('what a worker’s page says is what the worker says', async () => {
    const { page } = await openPage(browser, worker.through);
    const ask = (what: string) => () =>
      client.run<number>(
        `client.run(lambda dask_worker: ${what}, workers=[${JSON.stringify(one)}])[${JSON.stringify(one)}]`,
      );
    await between(page, ['Tasks', 'Stored'], ask('len(dask_worker.data)'));
    await between(page, ['Tasks', 'Executed so far'], ask('dask_worker.state.executed_count'));
    const pid = await ask('__import__("os").getpid()')();
    await page.getByRole('region', { name: 'This process' }).getByText(String(pid), { exact: true }).waitFor();
    await page.context().close();
  });

  test('a worker that is stopped answers late and is announced; one that is killed is gone; others are read on', async () => {
    const { page } = await openPage(browser, worker.through.replace('/one/', '/two/'));
    await shown(page, 'Tasks', 'Stored').waitFor();
    two.signal('SIGSTOP');
    await page.getByRole('alert').getByText('The process answers late.').waitFor();
    await page.getByRole('alert').getByText('That process did not answer in time.').waitFor();
    const other = await fetch(worker.through.replace(/debug$/, 'api/v1/debug/tasks'));
    expect(other.status).toBe(200);
    two.signal('SIGKILL');
    await page.getByRole('alert').getByText('no such worker is connected', { exact: false }).waitFor();
    await shown(page, 'Tasks', 'Stored').waitFor();
    await page.context().close();
  });
});

/** `2,012` → 2012. */
function number(text: string | null): number {
  return Number((text ?? '').replaceAll(',', ''));
}
