import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { inRoot } from '../../scripts/lib/run.mjs';
import { makeReport } from '../../src/server/export/report.ts';
import { EPOCH, ScriptedSource, type ScriptedTask } from '../../src/server/scripted-source.fixture.ts';
import { startServer, type TaskglassServer } from '../../src/server/server.ts';
import { readPageFiles } from '../../src/serving/page-files.ts';
import { Store } from '../../src/store/store.ts';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import { pictureOf } from '../support/canvas.ts';

const WORKERS = Array.from({ length: 4 }, (_, i) => `tcp://10.0.0.${i + 1}:4000`);
const THREADS = 2;
const TASKS = 40_000;
/** Names and keys as an enemy would choose them. */
const HOSTILE = '</script><!--<script>\u2028<img src=x onerror=alert(1)>';
const FUNCTIONS = ['load', 'clean', 'join', HOSTILE];
const STREAM = '[role=region][aria-label="Task stream"]';
/** Somewhere in the middle, two seconds: single tasks are seen. */
const SINCE = EPOCH + 200;
const UNTIL = EPOCH + 202;
/** Where the pointer goes, as shares of the plot's width. */
const PLACES = [0.2, 0.5, 0.8];

function history(): ScriptedTask[] {
  let seed = 1;
  const draw = (): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed / 2 ** 32;
  };
  const tasks: ScriptedTask[] = [];
  for (let lane = 0; lane < WORKERS.length * THREADS; lane++) {
    let at = EPOCH;
    for (let i = 0; i < TASKS / (WORKERS.length * THREADS); i++) {
      const fn = FUNCTIONS[Math.floor(draw() * FUNCTIONS.length)]!;
      const moves = draw() < 0.1;
      const start = at + (moves ? 0.1 : 0);
      const stop = start + 0.02 + draw() * 0.08;
      tasks.push({
        key: `('${fn}-group', ${lane}, ${i})`,
        fn,
        worker: WORKERS[lane % WORKERS.length]!,
        thread: lane,
        start,
        stop,
        ...(moves && { from: WORKERS[(lane + 1) % WORKERS.length]! }),
        ...(draw() < 0.005 && { error: { exception: `ValueError("${HOSTILE}")`, traceback: HOSTILE } }),
      });
      at = stop;
    }
  }
  return tasks.sort((a, b) => a.stop - b.stop);
}

function play(source: ScriptedSource): void {
  const tasks = history();
  source.attach(WORKERS);
  for (const [i, fn] of FUNCTIONS.entries()) source.counts(fn, { memory: 1_000 * (i + 1), released: 77 }, 4_096 * i);
  for (let i = 0; i < tasks.length; i += 2_000) source.finish(tasks.slice(i, i + 2_000));
}

describe('a report in one file', () => {
  let browser: Browser;
  let server: TaskglassServer;
  let folder: string;
  let file: string;

  beforeAll(async () => {
    await build();
    folder = mkdtempSync(path.join(tmpdir(), 'taskglass-report-'));
    server = await startServer({ source: new ScriptedSource(play), port: 0, pageDir: inRoot('dist/page') });
    const response = await fetch(new URL('/api/v1/export?format=html', server.url));
    expect(response.status).toBe(200);
    file = path.join(folder, 'report.html');
    await writeFile(file, Buffer.from(await response.arrayBuffer()));
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a file without any network, and holds every request that its page makes. */
  async function openFile(address: string) {
    const opened = await openPage(browser, 'about:blank', { offline: true, colorScheme: 'light' });
    const requests: string[] = [];
    opened.page.on('request', (request) => requests.push(request.url()));
    await opened.page.goto(address);
    await opened.page.locator('.shell').waitFor();
    return { ...opened, requests };
  }
  const address = (hash: string, search = '', of = file): string => pathToFileURL(of).href + search + hash;
  const drawn = async (page: Page): Promise<void> => {
    await page.waitForFunction(() => document.querySelectorAll('[data-rows]').length > 0);
  };
  const rowsOf = async (page: Page) =>
    JSON.parse((await page.locator(STREAM).getAttribute('data-rows')) ?? '[]') as [number, number, number][];

  /** What is drawn near the top of each row, above any text, pixel by pixel. */
  async function lines(page: Page): Promise<string[]> {
    await page.mouse.move(5, 5);
    const rows = await rowsOf(page);
    const { width, data } = await pictureOf(page.locator(`${STREAM} canvas.plot`));
    return rows.map(([track, y]) => {
      const from = (Math.round(y) + 3) * width * 4;
      return `${track} ${Buffer.from(data.slice(from, from + width * 4)).toString('base64')}`;
    });
  }

  /** The card of what lies at a share of the plot's width in the middle of a row. */
  async function hover(page: Page, at: number, row: number): Promise<string> {
    const [, y = 0, height = 0] = (await rowsOf(page))[row]!;
    const box = (await page.locator(`${STREAM} canvas.plot`).boundingBox())!;
    await page.mouse.move(box.x + box.width * at, box.y + y + height / 2);
    await page.locator('.tooltip.details').waitFor();
    await page.locator('.tooltip.details .facts').waitFor();
    // The rest of it comes when it is read.
    await expect.poll(() => page.locator('.tooltip.details').textContent()).toMatch(/idle|result|erred/);
    return (await page.locator('.tooltip.details').textContent()) ?? '';
  }

  test('draws the stream that the server draws, and says the same of each task, with no network', async () => {
    const range = `?since=${SINCE}&until=${UNTIL}`;
    const live = await openPage(browser, new URL(`/tasks${range}`, server.url).href, { colorScheme: 'light' });
    const own = await openFile(address('#tasks', range));
    /** A page draws while it is in front. */
    const front = async (page: Page, mode: 'slices' | 'shares', since: string): Promise<void> => {
      await page.bringToFront();
      await page.locator(`${STREAM}[data-mode=${mode}][data-since="${since}"]`).waitFor();
    };
    const since = `${SINCE}000000`;
    await front(live.page, 'slices', since);
    const expected = await lines(live.page);
    const cards = [];
    for (const at of PLACES) cards.push(await hover(live.page, at, 1));
    await front(own.page, 'slices', since);
    expect(await own.page.locator('[aria-label="About this file"]').textContent()).toContain('40,000 tasks in detail');
    // What was read so far is drawn on the way.
    await expect.poll(() => lines(own.page), { timeout: 30_000 }).toEqual(expected);
    for (const [i, at] of PLACES.entries()) expect(await hover(own.page, at, 1)).toBe(cards[i]);
    await keepPicture(own.page, 'report-tasks');
    // Further out, as shares.
    const begin = `${EPOCH - 20}000000`;
    const all = `?since=${EPOCH - 20}&until=${EPOCH + 450}`;
    await live.page.goto(new URL(`/tasks${all}`, server.url).href);
    await front(live.page, 'shares', begin);
    const shares = await hover(live.page, 0.5, 2);
    await own.page.goto(address('#tasks', all));
    await front(own.page, 'shares', begin);
    await expect.poll(() => hover(own.page, 0.5, 2), { timeout: 30_000 }).toBe(shares);
    expect(own.requests).toEqual([address('', range), address('', all)]);
    expect(own.problems).toEqual([]);
    for (const { page } of [live, own]) await page.context().close();
  });

  test('has the pages, with the figures of the server; names of enemies are text', async () => {
    const live = await openPage(browser, server.url, { colorScheme: 'light' });
    const own = await openFile(address('#status'));
    const progress = async (page: Page): Promise<string | null> => {
      const panel = page.locator('[role=region][aria-label="Progress"]');
      await panel.getByText('load').first().waitFor();
      return panel.textContent();
    };
    expect(await progress(own.page)).toBe(await progress(live.page));
    expect(await own.page.locator('[data-total=records]').textContent()).toBe('40,000');
    await drawn(own.page);
    await keepPicture(own.page, 'report-status');
    await own.page.getByRole('link', { name: 'Workers' }).click();
    await own.page.locator('[role=region][aria-label="Workers"]').getByText('worker-3').waitFor();
    await keepPicture(own.page, 'report-workers');
    // Only what works in a file is on the page.
    for (const name of ['History', 'Scheduler']) expect(await own.page.getByRole('link', { name }).count()).toBe(0);
    await own.page.getByRole('link', { name: 'Tasks' }).click();
    await drawn(own.page);
    expect(await own.page.getByRole('button', { name: /Export/ }).count()).toBe(0);
    await own.page.getByRole('searchbox', { name: /Search/ }).fill('load');
    await expect.poll(() => own.page.locator('.tasks-bar').textContent()).toMatch(/\d/);
    expect(await own.page.locator('img[src=x]').count()).toBe(0);
    expect(own.requests.filter((url) => !url.startsWith(address('')))).toEqual([]);
    expect(own.problems).toEqual([]);
    for (const { page } of [live, own]) await page.context().close();
  });

  test('that may not hold everything says what is left out, and shows its sums', async () => {
    const store = new Store({ monotonic: () => 0 });
    await new ScriptedSource(play).start(store);
    const { report } = await readPageFiles(inRoot('dist/page'));
    const small = path.join(folder, 'small.html');
    const options = {
      selection: {},
      template: report!,
      server: 'test',
      made: EPOCH,
      mostBytes: 2 * report!.length + 120_000,
    };
    const { bytes, leftOut, tasks } = await makeReport(store, options);
    await writeFile(small, bytes);
    expect(leftOut).toBeGreaterThan(0);
    expect(tasks).toBeGreaterThan(0);
    const own = await openFile(address('#tasks', '', small));
    await drawn(own.page);
    const note = own.page.locator('[aria-label="About this file"]');
    expect(await note.textContent()).toContain(`${leftOut.toLocaleString('en-US')} tasks as sums alone`);
    await own.page.getByRole('button', { name: 'What is left out' }).click();
    const rows = own.page.locator('[aria-label="What is left out"] tbody tr');
    expect(await rows.count()).toBe(FUNCTIONS.length);
    await keepPicture(own.page, 'report-left-out');
    await own.page.getByRole('button', { name: 'What is left out' }).click();
    expect(await hover(own.page, 0.2, 1)).toMatch(/idle/);
    expect(own.problems).toEqual([]);
    await own.page.context().close();
  });

  test('of a selected time opens at it', async () => {
    const [since, until] = [EPOCH + 100, EPOCH + 103];
    const selected = path.join(folder, 'selected.html');
    const response = await fetch(new URL(`/api/v1/export?format=html&since=${since}&until=${until}`, server.url));
    await writeFile(selected, Buffer.from(await response.arrayBuffer()));
    const own = await openFile(address('', '', selected));
    await own.page.locator(`${STREAM}[data-since="${since}000000"]`).waitFor();
    await expect.poll(() => own.page.title()).toMatch(/^Tasks/);
    expect(await own.page.locator('[aria-label="About this file"]').textContent()).toContain('Selected: from');
    await keepPicture(own.page, 'report-selected');
    // An address that says something else has its way.
    await own.page.goto('about:blank');
    await own.page.goto(address('#tasks', `?since=${EPOCH + 50}&until=${EPOCH + 51}`, selected));
    await own.page.locator(`${STREAM}[data-since="${EPOCH + 50}000000"]`).waitFor();
    expect(own.problems).toEqual([]);
    await own.page.context().close();
  });

  test('is read by its mark, whatever a server says of its characters', async () => {
    const bytes = await readFile(file);
    expect([...bytes.subarray(0, 2)]).toEqual([0xff, 0xfe]);
    const other = createServer((_request, reply) => {
      reply.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(bytes);
    });
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    const { port } = other.address() as AddressInfo;
    const again = path.join(folder, 'again.html');
    await writeFile(again, bytes.toString('utf16le').slice(1));
    const own = await openFile(address('#status', '', again));
    await expect.poll(() => own.page.locator('[data-total=records]').textContent()).toBe('40,000');
    await own.page.context().close();
    const opened = await openPage(browser, `http://127.0.0.1:${port}/#status`, { colorScheme: 'light' });
    await expect.poll(() => opened.page.locator('[data-total=records]').textContent()).toBe('40,000');
    expect(opened.problems).toEqual([]);
    await opened.page.context().close();
    other.close();
  });

  test('that was cut off says so', async () => {
    const torn = path.join(folder, 'torn.html');
    const whole = (await readFile(file)).toString('utf16le');
    const last = whole.lastIndexOf('<script type="text/plain" data-part="records">');
    await writeFile(torn, whole.slice(0, last + 5_000) + whole.slice(last + 9_000), 'utf16le');
    const own = await openFile(address('#tasks', '', torn));
    await own.page.getByText('This file is damaged.').waitFor();
    await own.page.context().close();
  });
});
