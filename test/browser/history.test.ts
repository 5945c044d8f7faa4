import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { Tables } from '../../src/recording/export/tables.ts';
import { Recorder, type RecorderOptions } from '../../src/recording/recorder.ts';
import { EPOCH, ScriptedSource, tasksOf } from '../../src/server/scripted-source.fixture.ts';
import { startServer, type TaskglassServer } from '../../src/server/server.ts';
import { attach, finishedOf, type Row } from '../../src/store/history.fixture.ts';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import { Child } from '../support/child.ts';
import { freePort } from '../support/ports.ts';
import { ROOT } from '../support/project-files.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { width: 390, height: 844 };
const pageDir = path.join(ROOT, 'dist', 'page');

/** A recording of two bursts of work, an hour apart, by several functions. */
async function record(
  folder: string,
  id: string,
  functions: readonly string[],
  begin: number,
  limits: RecorderOptions['limits'] = {},
): Promise<void> {
  const tables = new Tables();
  const recorder = new Recorder({ intern: tables.intern, accept: () => {} }, tables.textOf, {
    directoryOf: () => path.join(folder, id),
    limits,
  });
  attach(recorder, id, begin);
  for (const burst of [begin, begin + 3_600]) {
    const rows = Array.from({ length: 60 }, (_, i): Row => {
      const start = burst + i / 4;
      return {
        key: `${functions[i % functions.length]}-${burst}-${i}`,
        fn: functions[i % functions.length]!,
        worker: 'tcp://10.0.0.1:4001',
        thread: 1 + (i % 2),
        compute: [start, start + 0.2],
        ...(i === 7 && { erred: true }),
      };
    });
    recorder.accept({ kind: 'tick', time: burst + 16, finished: finishedOf(recorder, rows) });
  }
  await recorder.close();
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const results = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
  );
  return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

const row = (page: Page, id: string) => page.locator(`[data-recording="${id}"]`);
const rows = (page: Page) => page.locator('[data-recording]');

describe('/history', () => {
  let browser: Browser;
  let server: TaskglassServer;
  let folder: string;
  let source: ScriptedSource;
  const url = (at: string): string => `http://127.0.0.1:${server.port}${at}`;

  beforeAll(async () => {
    await build();
    folder = await mkdtemp(path.join(tmpdir(), 'taskglass-history-'));
    await record(folder, 'Scheduler-monday', ['load', 'inc', 'add', 'sum', 'store'], EPOCH - 5 * 86_400);
    await record(folder, 'Scheduler-tuesday', ['train', 'score'], EPOCH - 4 * 86_400);
    await record(folder, 'Scheduler-wednesday', ['inc'], EPOCH - 3 * 86_400);
    source = new ScriptedSource();
    [browser, server] = await Promise.all([
      launchBrowser(),
      startServer({ source, port: 0, pageDir, record: { folder }, prefix: '/me' }),
    ]);
    source.finish(tasksOf('live_function', 12));
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test.each(['light', 'dark'] as const)(
    'in %s: every recording with its runs, and axe finds nothing',
    async (colorScheme) => {
      const { page, problems } = await openPage(browser, url('/me/history'), { colorScheme });
      await rows(page).nth(3).waitFor();
      expect(await rows(page).evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.live))).toEqual([
        'true',
        'false',
        'false',
        'false',
      ]);
      await rows(page).first().getByText('live now').waitFor();
      const monday = row(page, 'Scheduler-monday');
      expect(await monday.getByRole('cell').allTextContents()).toEqual(expect.arrayContaining(['1 h', '120', '2']));
      await monday.getByRole('button', { name: 'tcp://' }).first().click();
      expect(await monday.locator('.run').count()).toBe(2);
      expect(await violations(page)).toEqual([]);
      await keepPicture(page, `history-${colorScheme}`);
      // What can be done is in view, however much stands beside it.
      await page.setViewportSize({ width: 1_000, height: 800 });
      const [panel, button] = await Promise.all([
        page.locator('.panel.history').boundingBox(),
        monday.getByRole('button', { name: /^Delete/ }).boundingBox(),
      ]);
      expect(button!.x + button!.width).toBeLessThanOrEqual(panel!.x + panel!.width);
      expect(problems).toEqual([]);
      await page.context().close();
    },
  );

  test('a phone has everything in one column', async () => {
    const { page } = await openPage(browser, url('/me/history'), { viewport: PHONE, hasTouch: true, isMobile: true });
    await rows(page).nth(3).waitFor();
    await row(page, 'Scheduler-monday').locator('.fold').click();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
    expect(await violations(page)).toEqual([]);
    await keepPicture(page, 'history-phone');
    await page.context().close();
  });

  test('a recording is opened, says that it is one, and leads back', async () => {
    const { page, problems } = await openPage(browser, url('/me/status'));
    await page.getByRole('link', { name: 'History', exact: true }).click();
    await row(page, 'Scheduler-monday').getByRole('link', { name: /^Open/ }).click();
    await page.waitForURL(url('/me/recordings/Scheduler-monday/status'));
    await page.locator('[data-total=records]', { hasText: '120' }).waitFor();
    const note = page.getByRole('note').filter({ hasText: 'A recording.' });
    await note.getByText('Nothing here is live').waitFor();
    expect(await page.locator('.link-state').first().textContent()).toBe('Recording');
    await keepPicture(page, 'history-opened');
    // The other pages of the recording, without loading anew.
    await page.getByRole('link', { name: 'Workers', exact: true }).click();
    await page.waitForURL(/recordings\/Scheduler-monday\/workers/);
    await note.getByRole('link', { name: 'Back to the history' }).click();
    await page.waitForURL(url('/me/history'));
    // A run leads to its own part of the stream.
    await row(page, 'Scheduler-monday').locator('.fold').click();
    await row(page, 'Scheduler-monday')
      .getByRole('link', { name: /^Run at/ })
      .first()
      .click();
    await page.waitForURL(/recordings\/Scheduler-monday\/tasks\?since=\d/);
    await page.getByRole('link', { name: 'History', exact: true }).click();
    await page.waitForURL(url('/me/history'));
    // The one that is live leads to the live pages.
    await rows(page)
      .first()
      .getByRole('link', { name: /^Watch/ })
      .click();
    await page.waitForURL(url('/me/status'));
    await page.locator('[data-total=records]', { hasText: '12' }).waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('a recording that nobody has open is exported whole', async () => {
    const { page, problems } = await openPage(browser, url('/me/history'));
    await row(page, 'Scheduler-tuesday')
      .getByRole('button', { name: /^Export/ })
      .click();
    const menu = page.getByRole('navigation', { name: 'Export' });
    await menu.getByRole('link', { name: /^HTML/ }).waitFor();
    expect(await violations(page)).toEqual([]);
    await keepPicture(page, 'history-export');
    const coming = page.waitForEvent('download');
    await menu.getByRole('link', { name: /^ndjson/ }).click();
    const download = await coming;
    expect(download.suggestedFilename()).toMatch(/\.ndjson$/);
    const lines = (await readFile((await download.path()) ?? '', 'utf8')).trim().split('\n');
    expect(lines.length).toBe(120);
    await menu.waitFor({ state: 'hidden' });
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('a search narrows the list and says when nothing matches', async () => {
    const { page } = await openPage(browser, url('/me/history'));
    await rows(page).nth(3).waitFor();
    const search = page.getByRole('searchbox', { name: 'Search in the history' });
    await search.fill('train');
    await until('one is left', async () => (await rows(page).count()) === 1);
    expect(await row(page, 'Scheduler-tuesday').count()).toBe(1);
    await search.fill('<b>nothing');
    await page.getByText('No recording has “<b>nothing”').waitFor();
    await search.fill('');
    await rows(page).nth(3).waitFor();
    await page.context().close();
  });

  test('pinned, unpinned, and deleted only after it asked', async () => {
    const { page, problems } = await openPage(browser, url('/me/history'));
    const wednesday = row(page, 'Scheduler-wednesday');
    const pin = wednesday.getByRole('button', { name: /^(Pin|Unpin)/ });
    await pin.click();
    await wednesday.getByText('pinned').waitFor();
    expect(await readdir(path.join(folder, 'Scheduler-wednesday'))).toContain('pinned');
    await pin.click();
    await wednesday.getByText('pinned').waitFor({ state: 'detached' });
    expect(
      await rows(page)
        .first()
        .getByRole('button', { name: /^Delete/ })
        .isDisabled(),
    ).toBe(true);
    await wednesday.getByRole('button', { name: /^Delete/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('It cannot be brought back').waitFor();
    await keepPicture(page, 'history-delete');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await readdir(folder)).toContain('Scheduler-wednesday');
    await wednesday.getByRole('button', { name: /^Delete/ }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await wednesday.waitFor({ state: 'detached' });
    expect(await readdir(folder)).not.toContain('Scheduler-wednesday');
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('what damage took from a recording is a gap that can be seen', async () => {
    await record(folder, 'Scheduler-damaged', ['inc'], EPOCH - 8 * 86_400, { tasks: 60 });
    const file = path.join(folder, 'Scheduler-damaged', 'tasks', '000002.parquet');
    const bytes = await readFile(file);
    bytes[200]! ^= 0x55;
    await writeFile(file, bytes);
    const { page } = await openPage(browser, url('/me/recordings/Scheduler-damaged/tasks'));
    await page.locator('[data-link=connected]').waitFor();
    const { gaps } = (await (await fetch(url('/me/recordings/Scheduler-damaged/api/v1/runs'))).json()) as {
      gaps: { since: number; until: number; reason: string }[];
    };
    expect(gaps).toMatchObject([{ reason: 'unreadable', until: EPOCH - 8 * 86_400 + 3_616 }]);
    await page.getByRole('note').getByText('Parts of it cannot be read').waitFor();
    await page.locator('[data-total=records]', { hasText: '60' }).waitFor();
    await keepPicture(page, 'history-damaged');
    await page.context().close();
    await rm(path.join(folder, 'Scheduler-damaged'), { recursive: true });
  });

  test('what was deleted by somebody else meanwhile is told', async () => {
    await record(folder, 'Scheduler-gone', ['inc'], EPOCH - 9 * 86_400);
    const { page } = await openPage(browser, url('/me/history'));
    await row(page, 'Scheduler-gone').waitFor();
    await rm(path.join(folder, 'Scheduler-gone'), { recursive: true });
    await row(page, 'Scheduler-gone')
      .getByRole('button', { name: /^(Pin|Unpin)/ })
      .click();
    await page.getByRole('alert').getByText('Nothing was changed: There is nothing here').waitFor();
    await row(page, 'Scheduler-gone').waitFor({ state: 'detached' });
    await page.context().close();
  });
});

/** Whether a process may have file systems of its own here. */
function mayMount(): boolean {
  const { status } = spawnSync('unshare', ['-Urm', 'sh', '-c', `mount -t tmpfs -o size=28k none '${tmpdir()}'`]);
  return status === 0;
}

test('when the disk is full, recording stops, the pages say so, and what was written is whole', async () => {
  await build();
  const folder = await mkdtemp(path.join(tmpdir(), 'taskglass-history-'));
  const port = await freePort();
  const serve = `exec '${process.execPath}' dist/cli.js demo --workers 1 --no-browser --port ${port} --record-dir '${folder}'`;
  // A file system of seven pages that only this process sees. Where nobody may make one, its files end at 16 KiB.
  const full = mayMount();
  const child = full
    ? new Child('unshare', ['-Urm', 'sh', '-c', `mount -t tmpfs -o size=28k none '${folder}' && ${serve}`])
    : new Child('bash', ['-c', `ulimit -f 16; ${serve}`]);
  await using taskglass = await Taskglass.serving(child);
  const browser = await launchBrowser();
  try {
    const { page, problems } = await openPage(browser, taskglass.url('/status'));
    await page.getByRole('alert').getByText('Recording has stopped').waitFor();
    await page
      .getByRole('alert')
      .getByText(full ? 'ENOSPC' : 'EFBIG')
      .waitFor();
    // The live view goes on.
    await page.locator('[data-total=records]', { hasText: '301' }).waitFor();
    await page.getByRole('button', { name: 'Run example' }).click();
    await page.locator('[data-total=records]', { hasText: '602' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await keepPicture(page, 'recording-stopped');
    await page.getByRole('link', { name: 'History', exact: true }).click();
    await rows(page).getByRole('link', { name: /^Open/ }).click();
    const kept = async () => Number(await page.locator('[data-total=records]').textContent());
    await until('what was written is there', async () => (await kept()) > 0 && (await kept()) < 301);
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
    await taskglass[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
});

test('without recordings, and before the first one, it says what to do', async () => {
  await build();
  const browser = await launchBrowser();
  const empty = await mkdtemp(path.join(tmpdir(), 'taskglass-history-'));
  const off = await startServer({ source: new ScriptedSource(), port: 0, pageDir });
  const unrecorded = await startServer({ source: new ScriptedSource(), port: 0, pageDir, recordings: empty });
  // Nobody answers, so there is nothing to write down yet.
  const waiting = new ScriptedSource(() => {});
  const none = await startServer({ source: waiting, port: 0, pageDir, record: { folder: empty } });
  try {
    const { page } = await openPage(browser, `http://127.0.0.1:${off.port}/history`);
    await page.getByRole('heading', { name: 'Recording is off' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await keepPicture(page, 'history-off');
    await page.goto(`http://127.0.0.1:${unrecorded.port}/history`);
    await page.getByText('Older recordings would be listed here').waitFor();
    await page.goto(`http://127.0.0.1:${none.port}/history`);
    await page.getByRole('heading', { name: 'Nothing was recorded yet' }).waitFor();
    await none.close();
    await page.getByRole('alert').getByText('The list could not be read').waitFor();
  } finally {
    await browser.close();
    await off.close();
    await unrecorded.close();
    await none.close();
    await rm(empty, { recursive: true });
  }
});

test('taskglass demo --no-record lists and opens what its folder has, and says that recording is off', async () => {
  const browser = await launchBrowser();
  const folder = await mkdtemp(path.join(tmpdir(), 'taskglass-history-'));
  await record(folder, 'Scheduler-monday', ['load', 'store'], EPOCH);
  const args = ['demo', '--no-record', '--record-dir', folder, '--workers', '1', '--threads-per-worker', '1'];
  const demo = await Taskglass.start(args);
  try {
    const { page, problems } = await openPage(browser, demo.url('/history'));
    await page.getByRole('note').getByText('Recording is off.').waitFor();
    expect(await rows(page).count()).toBe(1);
    expect(await violations(page)).toEqual([]);
    await keepPicture(page, 'history-demo-off');
    await row(page, 'Scheduler-monday').getByRole('link', { name: /^Open/ }).click();
    await page.locator('[data-total=records]', { hasText: '120' }).waitFor();
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
    await demo[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
});

test('a switch leads from cluster to cluster and says how each is reached', async () => {
  await build();
  const browser = await launchBrowser();
  const folder = await mkdtemp(path.join(tmpdir(), 'taskglass-history-'));
  const [first, second, third] = [new ScriptedSource(), new ScriptedSource(), new ScriptedSource(() => {})];
  const server = await startServer({
    source: first,
    name: 'production',
    clusters: [
      { id: 'gpu', name: 'gpu', source: second },
      { id: 'test', name: 'a test cluster with a long name that has to be cut somewhere', source: third },
    ],
    port: 0,
    pageDir,
    recordings: folder,
  });
  try {
    first.finish(tasksOf('inc', 7));
    second.finish(tasksOf('train', 4));
    const url = (at: string): string => `http://127.0.0.1:${server.port}${at}`;
    const { page, problems } = await openPage(browser, url('/workers'));
    const button = page.getByRole('button', { name: /^Cluster: production/ });
    await button.getByText('not connected').waitFor({ state: 'attached' });
    await button.click();
    const clusters = page.getByRole('navigation', { name: 'Clusters' });
    expect(await clusters.getByRole('link').allInnerTexts()).toEqual([
      expect.stringMatching(/production[\s\S]*7 tasks[\s\S]*Live/),
      expect.stringMatching(/gpu[\s\S]*4 tasks[\s\S]*Live/),
      expect.stringMatching(/a test[\s\S]*0 tasks[\s\S]*Connecting/),
    ]);
    second.emit({ kind: 'link', state: 'lost', time: EPOCH + 9, reason: 'gone' });
    await clusters.getByRole('link', { name: /gpu/ }).getByText('Lost').waitFor();
    expect(await violations(page)).toEqual([]);
    await keepPicture(page, 'clusters');
    await clusters.getByRole('link', { name: /gpu/ }).click();
    await page.waitForURL(url('/clusters/gpu/workers'));
    await page.locator('[data-total=records]', { hasText: '4' }).waitFor();
    await page.getByRole('link', { name: 'History', exact: true }).click();
    await page.waitForURL(url('/history'));
    await page.setViewportSize(PHONE);
    await page.getByRole('button', { name: /^Cluster: production/ }).click();
    await keepPicture(page, 'clusters-phone');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
    await server.close();
    await rm(folder, { recursive: true });
  }
});
