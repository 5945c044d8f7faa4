import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import type { ClusterAction } from '../../src/model/cluster-action.ts';
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

test('where nothing is allowed nothing is offered', async () => {
  await using server = await startServer({ source: new Acting(), port: 0, pageDir });
  const { page, problems } = await openPage(browser, server.url.replace('/status', '/workers'));
  await page.locator(`tr[data-worker="${WORKER}"]`).waitFor();
  await page.waitForLoadState('networkidle');
  expect(await page.getByText('Actions', { exact: true }).count()).toBe(0);
  expect(await page.getByRole('button', { name: 'Restart' }).count()).toBe(0);
  expect(problems).toEqual([]);
});
