import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { LocalCluster } from '../../src/engine/index.ts';
import { CLUSTER_ACTIONS, type ClusterAction } from '../../src/model/cluster-action.ts';
import { Scratch } from '../../src/recording/scratch.fixture.ts';
import { ScriptedSource, WORKER } from '../../src/server/scripted-source.fixture.ts';
import { startServer } from '../../src/server/server.ts';
import type { ActionAccess } from '../../src/source/source.ts';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import { ROOT } from '../support/project-files.ts';

/** An engine that does what it is asked, and remembers. */
class Acting extends ScriptedSource {
  readonly done: ClusterAction[] = [];
  readonly actions: ActionAccess = {
    names: CLUSTER_ACTIONS,
    run: async (action) => {
      this.done.push(action);
      return 'the worker was started anew';
    },
  };
}

const pageDir = path.join(ROOT, 'dist', 'page');
const token = 'correct-horse';
let browser: Browser;
beforeAll(async () => {
  [browser] = await Promise.all([launchBrowser(), build()]);
});
afterAll(() => browser?.close());

test('a worker is restarted from its row, after a question that can be left', async () => {
  await using scratch = await Scratch.make();
  const source = new Acting();
  const allowActions = { auditLog: scratch.join('audit.ndjson') };
  await using server = await startServer({ source, port: 0, pageDir, token, allowActions });
  const { page, problems } = await openPage(browser, server.url.replace('/status', '/workers'));
  const row = page.locator(`tr[data-worker="${WORKER}"]`);
  const dialog = page.getByRole('dialog', { name: 'Restart this worker?' });
  await row.getByRole('button', { name: 'Restart' }).click();
  await dialog.getByText(WORKER).waitFor();
  await keepPicture(page, 'actions-question');
  await dialog.getByRole('button', { name: 'Leave it' }).click();
  await dialog.waitFor({ state: 'detached' });
  await row.getByRole('button', { name: 'Restart' }).click();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(source.done).toEqual([]);
  await row.getByRole('button', { name: 'Restart' }).click();
  await dialog.getByRole('button', { name: 'Restart it' }).click();
  await dialog.getByText('Done: the worker was started anew.').waitFor();
  expect(source.done).toEqual([{ name: 'restart-worker', target: WORKER }]);
  expect(problems).toEqual([]);
});

/** How many records the history has of one key. */
function recordsOf(page: Page, key: string): Promise<number> {
  return page.evaluate(async (wanted) => {
    const answer = await fetch('/api/v1/tasks');
    const { tasks } = (await answer.json()) as { tasks: { key: string }[] };
    return tasks.filter((task) => task.key === wanted).length;
  }, key);
}

test('a task of the embedded engine is retried, run again, begun anew and cancelled from its details, and no worker has buttons', async () => {
  await using scratch = await Scratch.make();
  const auditLog = scratch.join('audit.ndjson');
  const dashboard = { port: 0, debugPort: 0, workerDebugPort: 0, token, allowActions: { auditLog } };
  await using cluster = await LocalCluster.launch({ workers: 1, threadsPerWorker: 1, dashboard });
  const client = cluster.client();
  const flag = scratch.join('flag');
  const picky = client.submit((file: string) => {
    if (!process.getBuiltinModule('node:fs').existsSync(file)) throw new Error('it is not there');
    return 'there it is';
  }, flag);
  const after = client.submit((text: string) => text.toUpperCase(), picky);
  await picky.wait();
  expect(picky.status).toBe('error');

  const { page, problems } = await openPage(browser, (cluster.dashboardLink ?? '').replace('/status?', '/tasks?'));
  const card = page.getByRole('dialog', { name: 'Details' });
  const plot = page.locator('#task-stream-plot');
  await page.getByText('1 of 1 task in view').waitFor();
  await plot.focus();
  await page.keyboard.press('e');
  await card.getByText('it is not there').first().waitFor();
  // By keyboard alone; the question asks about this task, and can be left.
  await card.getByRole('button', { name: 'Retry…' }).press('Enter');
  const retry = page.getByRole('dialog', { name: 'Retry this task?' });
  await retry.getByText(picky.key).waitFor();
  await keepPicture(page, 'actions-card');
  await page.keyboard.press('Escape');
  await retry.waitFor({ state: 'detached' });
  expect(picky.status).toBe('error');
  writeFileSync(flag, '');
  await card.getByRole('button', { name: 'Retry…' }).click();
  await retry.getByRole('button', { name: 'Retry it' }).click();
  await retry.getByText('Done: it runs again, with what made it err.').waitFor();
  expect(await after.result()).toBe('THERE IT IS');
  await retry.getByRole('button', { name: 'Close' }).click();

  const again = page.getByRole('dialog', { name: 'Run this task again?' });
  // Its second run has finished; a third one adds another record of the same key, and what was made of it stays.
  await card.getByRole('button', { name: 'Close the details' }).click();
  await plot.focus();
  await expect
    .poll(
      async () => {
        await page.keyboard.press('f');
        await page.keyboard.press('n');
        return await card.getByRole('button', { name: 'Rerun…' }).count();
      },
      { timeout: 30_000 },
    )
    .toBe(1);
  const shown = (await card.locator('code.key').textContent()) ?? '';
  expect([picky.key, after.key]).toContain(shown);
  const before = await recordsOf(page, shown);
  await keepPicture(page, 'actions-rerun-card');
  await card.getByRole('button', { name: 'Rerun…' }).click();
  await again.getByText('Its result is dropped and computed anew').waitFor();
  await keepPicture(page, 'actions-rerun-question');
  await again.getByRole('button', { name: 'Run it again' }).click();
  await again.getByText('Done: its result was dropped, and it runs again.').waitFor();
  await again.getByRole('button', { name: 'Close' }).click();
  await expect.poll(() => recordsOf(page, shown)).toBe(before + 1);
  expect([picky.status, after.status]).toEqual(['finished', 'finished']);
  expect(await after.result()).toBe('THERE IT IS');
  await card.getByRole('button', { name: 'Close the details' }).click();

  const endless = client.submit(() => new Promise<void>(() => {}));
  const never = client.submit((value: unknown) => value, endless);
  // Running tasks reach up to the present, which is at the right edge.
  await page.keyboard.press('Escape');
  await page.locator('[data-follow=true]').waitFor();
  const box = (await plot.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  await expect
    .poll(async () => {
      await page.mouse.click(box.x + box.width - 4, box.y + 30);
      return await card.getByRole('button', { name: 'Cancel…' }).count();
    })
    .toBe(1);
  await keepPicture(page, 'actions-running-card');
  await page.emulateMedia({ colorScheme: 'dark' });
  await keepPicture(page, 'actions-running-card-dark');
  await card.getByRole('button', { name: 'Start over…' }).click();
  const anew = page.getByRole('dialog', { name: 'Begin this task anew?' });
  await keepPicture(page, 'actions-restart-question-dark');
  await anew.getByRole('button', { name: 'Begin anew' }).click();
  await anew.getByText('Done: it was stopped and begins anew.').waitFor();
  await anew.getByRole('button', { name: 'Close' }).click();
  await page.emulateMedia({ colorScheme: 'light' });
  await card.getByRole('button', { name: 'Cancel…' }).click();
  const stop = page.getByRole('dialog', { name: 'Cancel this task?' });
  await stop.getByRole('button', { name: 'Cancel it' }).click();
  await stop.getByText('Done: the task was cancelled, and 1 that depended on it.').waitFor();
  expect([endless.status, never.status]).toEqual(['cancelled', 'cancelled']);
  await stop.getByRole('button', { name: 'Close' }).click();

  await page.getByRole('link', { name: 'Workers', exact: true }).click();
  await page.locator('tr[data-worker]').first().waitFor();
  expect(await page.getByRole('button', { name: 'Restart' }).count()).toBe(0);
  const lines = readFileSync(auditLog, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { action: string; outcome: string }).outcome)).toEqual([
    'asked',
    'done',
    'asked',
    'done',
    'asked',
    'done',
    'asked',
    'done',
  ]);
  expect(problems).toEqual([]);
  await page.context().close();
});

test('where nothing is allowed nothing is offered', async () => {
  await using server = await startServer({ source: new Acting(), port: 0, pageDir });
  const { page, problems } = await openPage(browser, server.url.replace('/status', '/workers'));
  await page.locator(`tr[data-worker="${WORKER}"]`).waitFor();
  await page.waitForLoadState('networkidle');
  expect(await page.getByText('Actions', { exact: true }).count()).toBe(0);
  expect(await page.getByRole('button', { name: 'Restart' }).count()).toBe(0);
  expect(problems).toEqual([]);
});
