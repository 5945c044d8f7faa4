import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { TaskglassError } from '../../src/base/errors.ts';
import { ScriptedSource } from '../../src/server/scripted-source.fixture.ts';
import { startServer, type TaskglassServer } from '../../src/server/server.ts';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import { ROOT } from '../support/project-files.ts';
import { MARKUP, ScriptedDebug } from '../support/scripted-debug.ts';
import { until } from '../support/until.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { width: 390, height: 844 };

const panel = (page: Page, title: string): Locator => page.getByRole('region', { name: title, exact: true });

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const results = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
  );
  return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

/** The debug page over a scripted process: every kind of content, every way to fail, everybody who looks. */
describe('a debug page', () => {
  let browser: Browser;
  let debug: ScriptedDebug;
  let server: TaskglassServer;
  const url = (at: string): string => `http://127.0.0.1:${server.port}${at}`;

  beforeAll(async () => {
    await build();
    debug = new ScriptedDebug();
    const source = new ScriptedSource();
    source.debug = debug;
    const pageDir = path.join(ROOT, 'dist', 'page');
    [browser, server] = await Promise.all([launchBrowser(), startServer({ source, port: 0, pageDir })]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(() => {
    debug.down = null;
    debug.hang = null;
    debug.asked.clear();
  });

  /** Scrolls until every topic has been on screen and has been read, or has said why not. */
  const readAll = async (page: Page): Promise<void> => {
    const topics = await page.locator('.topic').all();
    for (const topic of topics) {
      await topic.scrollIntoViewIfNeeded();
      await topic.locator('.topic-body').getByText('Reading…').waitFor({ state: 'detached' });
    }
    await page.evaluate(() => scrollTo(0, 0));
  };

  test.each([
    ['/scheduler/debug', 'light'],
    ['/scheduler/debug', 'dark'],
    ['/workers/worker-0/debug/', 'light'],
  ] as const)(
    '%s in %s shows every kind of content, markup as text, and axe finds nothing',
    async (at, colorScheme) => {
      const { page, problems } = await openPage(browser, url(at), { colorScheme });
      await page.locator('[data-line=live]').waitFor();
      await readAll(page);
      await panel(page, 'Event loop').getByText('2.1 ms').waitFor();
      await panel(page, 'Stored keys').getByText('first 500 of 123,456').waitFor();
      await panel(page, 'Empty').getByText('There is nothing to show.').waitFor();
      await panel(page, 'Failing').getByText('The scheduler sent something that is not understood').waitFor();
      await panel(page, `Hostile ${MARKUP}`).getByText('Traceback (most recent call last): …').waitFor();
      expect(await page.evaluate(() => 'owned' in globalThis)).toBe(false);
      expect(await page.locator('img').count()).toBe(0);
      expect(await violations(page)).toEqual([]);
      await keepPicture(page, `debug-${colorScheme}`);
      for (const button of await page.getByRole('button', { name: /as table$/ }).all()) await button.click();
      await panel(page, 'Profile').getByRole('cell', { name: 'leaf', exact: true }).waitFor();
      expect(await violations(page)).toEqual([]);
      expect(problems.filter((problem) => !/status of 502/.test(problem))).toEqual([]);
      await page.context().close();
    },
  );

  test('a phone has it in one column, without anything to the side, and axe finds nothing', async () => {
    const { page } = await openPage(browser, url('/scheduler/debug'), {
      viewport: PHONE,
      hasTouch: true,
      isMobile: true,
    });
    await readAll(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
    expect(await violations(page)).toEqual([]);
    await keepPicture(page, 'debug-phone');
    await panel(page, 'Profile').scrollIntoViewIfNeeded();
    await keepPicture(page, 'debug-profile-phone');
    await page.context().close();
  });

  test('what is on screen is read, nothing else; paused, nothing is; no socket is opened', async () => {
    const { page } = await openPage(browser, url('/scheduler/debug'), { viewport: { width: 1000, height: 500 } });
    const sockets: string[] = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));
    await page.reload();
    await panel(page, 'Event loop').getByText('2.1 ms').waitFor();
    await page.locator('.sections a[data-seen=true]', { hasText: 'Event loop' }).waitFor();
    debug.asked.clear();
    await until('three readings', () => (debug.asked.get('event-loop') ?? 0) >= 3);
    expect(debug.asked.has('failing')).toBe(false);
    expect(await page.locator('.totals.cost, .total.cost').textContent()).toMatch(
      /costs the scheduler[\d.]+ % of a core/,
    );
    await page.getByRole('link', { name: 'Profile' }).click();
    await until('the profile', () => debug.asked.has('profile'));
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.locator('[data-line=paused]').waitFor();
    await page.getByRole('status').getByText('Paused').waitFor();
    // What was asked before the click may still come in: from here on there is one more reading of each at most.
    const before = new Map(debug.asked);
    await page.waitForTimeout(2_500);
    for (const [topic, n] of debug.asked) expect(n - (before.get(topic) ?? 0), topic).toBeLessThanOrEqual(1);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.locator('[data-line=live]').waitFor();
    expect(sockets).toEqual([]);
    await page.context().close();
  });

  test('a process that goes is announced at once, what it said stays, and its return is seen', async () => {
    const { page, problems } = await openPage(browser, url('/workers/worker-0/debug'));
    await panel(page, 'Event loop').getByText('2.1 ms').waitFor();
    debug.down = new TaskglassError('DEBUG_TIMEOUT', 'nothing within 5 s');
    const banner = page.getByRole('alert');
    await banner.getByText('That process did not answer in time.').waitFor({ timeout: 10_000 });
    await banner.getByText(/Nothing within 5 s\. It may be stopped.*Last heard \d\d:\d\d:\d\d\. Retrying/).waitFor();
    await panel(page, 'Event loop').getByText('2.1 ms').waitFor();
    expect(await violations(page)).toEqual([]);
    await keepPicture(page, 'debug-lost');
    debug.down = null;
    debug.pid = 4_243;
    await page.locator('[data-line=live]').waitFor();
    await page.getByRole('region', { name: 'This process' }).getByText('4243').waitFor();
    await banner.waitFor({ state: 'detached' });

    let answer = (): void => {};
    debug.hang = new Promise((resolve) => {
      answer = resolve;
    });
    await banner.getByText('The process answers late.').waitFor();
    answer();
    await page.locator('[data-line=live]').waitFor();
    expect(problems.filter((problem) => !/status of 50[24]/.test(problem))).toEqual([]);
    await page.context().close();
  });

  test('a process without debug pages, and one that nobody knows, say what to do', async () => {
    debug.down = new TaskglassError('DEBUG_UNAVAILABLE', 'the scheduler lists no taskglass-debug');
    const { page } = await openPage(browser, url('/scheduler/debug'));
    await page.getByRole('heading', { name: 'That process serves no debug pages' }).waitFor();
    await page.getByText('Install the Python package taskglass').waitFor();
    expect(await violations(page)).toEqual([]);
    await keepPicture(page, 'debug-unavailable');
    await page.goto(url('/workers/nobody/debug'));
    await page.getByText('no such worker is connected').waitFor();
    debug.down = null;
    await page.getByRole('link', { name: 'Workers' }).click();
    await page.locator('[data-page=workers][data-link=connected]').waitFor();
    await page.context().close();
  });

  test('tables are sorted by their titles and read by keyboard', async () => {
    const { page } = await openPage(browser, url('/scheduler/debug'));
    const table = panel(page, 'Stored keys');
    const first = (): Promise<string | null> => table.locator('tbody tr[aria-rowindex="2"]').textContent();
    await table.getByText('first 500 of 123,456').waitFor();
    expect(await first()).toContain("('random_sample-0', 0, 0)");
    await table.getByRole('button', { name: 'size' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(first).toContain('47.6 MiB');
    await table.locator('th[aria-sort=descending]', { hasText: 'size' }).waitFor();
    await page.keyboard.press('Enter');
    await expect.poll(first).toContain('0 B');
    await table.getByRole('group', { name: /Keys in memory/ }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const row = table.getByRole('group', { name: 'Row of Keys in memory' });
    await row.getByText('numpy.ndarray').or(row.getByText('–')).first().waitFor();
    for (let i = 0; i < 30; i++) await page.keyboard.press('ArrowDown');
    await table.locator('tr[data-picked=true][aria-rowindex="33"]').waitFor();
    await page.keyboard.press('Escape');
    await row.waitFor({ state: 'detached' });

    const hostile = panel(page, `Hostile ${MARKUP}`);
    await hostile.getByText('Traceback (most recent call last): …').click();
    await hostile
      .getByRole('group', { name: /^Row of/ })
      .getByText('ValueError: x')
      .waitFor();
    await page.context().close();
  });

  test('a flame graph is walked by keys, looked into by click, and is a table too', async () => {
    const { page } = await openPage(browser, url('/scheduler/debug'));
    const profile = panel(page, 'Profile');
    const flame = profile.getByRole('application', { name: 'All threads, flame graph' });
    await flame.focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
    await profile.getByText(/^handler_0, .*handler_0\.py:10: 100 ms, 1\.5 % of all$/).waitFor();
    await page.keyboard.press('Enter');
    await profile.getByRole('button', { name: 'Show all' }).waitFor();
    await keepPicture(page, 'debug-zoomed');
    await page.keyboard.press('Escape');
    await profile.getByRole('button', { name: 'Show all' }).waitFor({ state: 'detached' });
    const box = (await flame.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.3, box.y + 28);
    await page.getByRole('tooltip').getByText('handle_stream', { exact: true }).waitFor();
    await page.mouse.click(box.x + box.width * 0.3, box.y + 28);
    await profile.getByRole('button', { name: 'Show all' }).click();
    await profile.getByRole('button', { name: 'Show Profile as table' }).click();
    await profile.getByRole('cell', { name: 'handle_stream', exact: true }).waitFor();
    await page.context().close();
  });

  test('the main pages lead there and back', async () => {
    const { page, problems } = await openPage(browser, url('/workers/'));
    await page.locator('[data-worker]').getByRole('link').click();
    await page.waitForURL('**/workers/worker-0/debug');
    await page.locator('[data-line=live]').waitFor();
    expect(await page.title()).toContain('Worker worker-0');
    await page.getByRole('combobox', { name: 'Process' }).selectOption({ label: 'Scheduler' });
    await page.waitForURL('**/scheduler/debug');
    await page.locator('[data-line=live][data-role=scheduler]').waitFor();
    await page.getByRole('link', { name: 'Status' }).click();
    await page.locator('[data-page=status][data-link=connected]').waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Scheduler' }).click();
    await page.waitForURL('**/scheduler/debug');
    expect(problems.filter((problem) => !/status of 502/.test(problem))).toEqual([]);
    await page.context().close();
  });
});
