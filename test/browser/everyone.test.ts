import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PAGES = ['status', 'tasks', 'workers'] as const;
const PHONE = { width: 390, height: 844 };

/** The pages for everyone: by assistive technology, in both themes, on a phone, on a wide screen. On the embedded engine. */
describe('the pages', () => {
  let browser: Browser;
  let taskglass: Taskglass;

  beforeAll(async () => {
    [browser, taskglass] = await Promise.all([launchBrowser(), Taskglass.start(['demo', '--workers', '2'])]);
    const done = async (): Promise<boolean> => (await taskglass.api<{ total: number }>('tasks?limit=1')).total >= 301;
    await until('the example', done, { within: 60_000 });
  });
  afterAll(async () => {
    await browser?.close();
    await taskglass?.[Symbol.asyncDispose]();
  });

  const settled = async (page: Page): Promise<void> => {
    await page.locator('[data-link=connected]').waitFor();
    await page.locator('[data-total=workers]', { hasText: '2' }).waitFor();
  };
  const violations = async (page: Page): Promise<string[]> => {
    await page.evaluate(AXE);
    const results = await page.evaluate(() =>
      (globalThis as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
    );
    return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
  };

  test.each(
    PAGES.flatMap(
      (name) =>
        [
          [name, 'light'],
          [name, 'dark'],
        ] as const,
    ),
  )('axe finds nothing on /%s in %s', async (name, colorScheme) => {
    const { page, problems } = await openPage(browser, taskglass.url(`/${name}`), { colorScheme });
    await settled(page);
    expect(await violations(page)).toEqual([]);
    for (const button of await page.getByRole('button', { name: /as table$/ }).all()) await button.click();
    expect(await violations(page)).toEqual([]);
    await keepPicture(page, `${name}-${colorScheme}`);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test.each(PAGES)('/%s fits a phone, and axe finds nothing there', async (name) => {
    const { page, problems } = await openPage(browser, taskglass.url(`/${name}`), {
      viewport: PHONE,
      hasTouch: true,
      isMobile: true,
    });
    await settled(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
    expect(await violations(page)).toEqual([]);
    await keepPicture(page, `${name}-phone`);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('every page answers with and without a slash at the end, and / leads to /status', async () => {
    for (const name of PAGES) {
      for (const path of [`/${name}`, `/${name}/`]) {
        const { page, problems } = await openPage(browser, taskglass.url(path));
        await page.locator(`[data-page=${name}][data-link=connected]`).waitFor();
        expect(problems, path).toEqual([]);
        await page.context().close();
      }
    }
    const { page } = await openPage(browser, taskglass.url('/'));
    expect(new URL(page.url()).pathname).toBe('/status');
    await page.locator('[data-page=status][data-link=connected]').waitFor();
    await page.context().close();
  });

  test('the pages are links of one another, by keyboard too', async () => {
    const { page, problems } = await openPage(browser, taskglass.url('/status'));
    await settled(page);
    for (const name of ['Tasks', 'Workers', 'Status']) {
      await page.getByRole('navigation').getByRole('link', { name }).focus();
      await page.keyboard.press('Enter');
      await page.locator(`[data-page=${name.toLowerCase()}]`).waitFor();
      expect(await page.title()).toContain(name);
    }
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
