import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFirefox } from '../../scripts/lib/firefox.mjs';
import { ROOT } from '../support/project-files.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

const firefox = findFirefox();
const PHONE = { width: 390, height: 844 };

/** The main pages in another browser than the one they were made with, over WebDriver BiDi. */
describe.skipIf(firefox === undefined)('the main pages in Firefox', () => {
  let browser: Browser;
  let taskglass: Taskglass;

  beforeAll(async () => {
    [browser, taskglass] = await Promise.all([
      puppeteer.launch({ browser: 'firefox', executablePath: firefox ?? '', headless: true }),
      Taskglass.start(['demo', '--workers', '2', '--threads-per-worker', '2']),
    ]);
    await until('the example', async () => (await taskglass.api<{ total: number }>('tasks?limit=1')).total >= 301, {
      within: 60_000,
    });
  });
  afterAll(async () => {
    await browser?.close();
    await taskglass?.[Symbol.asyncDispose]();
  });

  async function open(
    name: string,
    viewport = { width: 1440, height: 900 },
  ): Promise<{ page: Page; problems: string[] }> {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    await page.setViewport(viewport);
    await page.goto(taskglass.url(name));
    await page.waitForSelector('[data-link=connected]');
    return { page, problems };
  }
  const keepPicture = async (page: Page, name: string): Promise<void> => {
    const folder = path.join(ROOT, '.cache', 'pictures');
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: path.join(folder, `firefox-${name}.png`) });
  };
  /** How many colours the stream shows besides its background and lines. */
  const colors = (page: Page): Promise<number> =>
    page.evaluate(() => {
      const plot = document.querySelector<HTMLCanvasElement>('canvas.plot');
      const copy = new OffscreenCanvas(plot?.width ?? 1, plot?.height ?? 1);
      const context = copy.getContext('2d');
      if (plot === null || context === null || plot.width === 0) return 0;
      context.drawImage(plot, 0, 0);
      const { data } = context.getImageData(0, 0, plot.width, plot.height);
      const seen = new Map<number, number>();
      for (let i = 0; i < data.length; i += 4) {
        const [red = 0, green = 0, blue = 0] = data.subarray(i, i + 3);
        if (Math.max(red, green, blue) - Math.min(red, green, blue) < 40) continue;
        const color = (red << 16) | (green << 8) | blue;
        seen.set(color, (seen.get(color) ?? 0) + 1);
      }
      return [...seen.values()].filter((count) => count > 20).length;
    });

  test('/status: bars end at 100, 100, 100 and 1, the stream is drawn, resources and memory are there', async () => {
    const { page, problems } = await open('/status');
    const bars = (): Promise<Record<string, number>> =>
      page.$$eval('[role=region][aria-label=Progress] li[data-function]', (elements) =>
        Object.fromEntries(
          elements.map((element) => {
            const { function: name = '', released, memory } = (element as HTMLElement).dataset;
            return [name, Number(released) + Number(memory)];
          }),
        ),
      );
    await expect.poll(bars, { timeout: 20_000 }).toEqual({ inc: 100, dec: 100, add: 100, sum: 1 });
    await expect.poll(() => colors(page), { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
    const regions = await page.$$eval('[role=region]', (all) =>
      all.map((element) => element.getAttribute('aria-label')),
    );
    expect(regions).toEqual(expect.arrayContaining(['Task stream', 'Progress', 'Memory use', 'Resources']));
    await keepPicture(page, 'status');
    expect(problems).toEqual([]);
    await page.close();
  });

  test('/tasks: pans and zooms, and shows what a task was', async () => {
    const { page, problems } = await open('/tasks');
    await expect.poll(() => colors(page), { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
    const box = await (await page.waitForSelector('canvas.plot'))!.boundingBox();
    if (box === null) throw new Error('no plot');
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    for (let i = 0; i < 4; i++) await page.mouse.wheel({ deltaY: -200 });
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 - 80, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
    await page.keyboard.press('f');
    await page.focus('canvas.plot');
    await page.keyboard.press('n');
    await page.waitForSelector('.details.pinned');
    await keepPicture(page, 'tasks');
    expect(await page.$eval('.details.pinned', (card) => card.textContent)).toMatch(/inc|dec|add|sum/);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('/workers: a row for each, and a phone has it all', async () => {
    const { page, problems } = await open('/workers');
    await expect
      .poll(() => page.$$eval('tr.worker[data-mood=running]', (rows) => rows.length), { timeout: 20_000 })
      .toBe(2);
    await keepPicture(page, 'workers');
    expect(problems).toEqual([]);
    await page.close();
    for (const name of ['/status', '/tasks', '/workers']) {
      const { page: phone, problems: more } = await open(name, PHONE);
      const wide = await phone.evaluate(() => document.documentElement.scrollWidth);
      expect(wide, name).toBeLessThanOrEqual(PHONE.width);
      await keepPicture(phone, `phone${name.replace('/', '-')}`);
      expect(more).toEqual([]);
      await phone.close();
    }
  });

  test('a report opens from disk', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'taskglass-firefox-'));
    const file = path.join(folder, 'report.html');
    const response = await fetch(taskglass.url('/api/v1/export?format=html'));
    writeFileSync(file, Buffer.from(await response.arrayBuffer()));
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.setViewport({ width: 1440, height: 900 });
    await page.goto(`${pathToFileURL(file).href}#tasks`);
    await page.waitForSelector('.shell');
    await expect.poll(() => colors(page), { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
    const note = await page.$eval('[aria-label="About this file"]', (element) => element.textContent);
    expect(note).toMatch(/30\d tasks in detail/);
    await keepPicture(page, 'report');
    expect(problems).toEqual([]);
    await page.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a server that goes is announced', async () => {
    const { page } = await open('/status');
    await taskglass.child.kill();
    await page.waitForFunction(
      () => /server does not answer/.test(document.querySelector('[role=alert]')?.textContent ?? ''),
      { timeout: 20_000 },
    );
    await keepPicture(page, 'gone');
    await page.close();
  });
});
