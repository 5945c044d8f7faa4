import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFirefox } from '../../scripts/lib/firefox.mjs';
import { STATE_COUNT, STATE_INDEX } from '../../src/model/task-state.ts';
import { Tables } from '../../src/recording/export/tables.ts';
import { Recorder } from '../../src/recording/recorder.ts';
import { Keeper } from '../../src/server/moments/keeper.ts';
import { attach, finishedOf, type Row, workerOf } from '../../src/store/history.fixture.ts';
import { DaskCluster, type DaskDriver } from '../support/dask-cluster.ts';
import { ROOT } from '../support/project-files.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

const firefox = findFirefox();
const PHONE = { width: 390, height: 844 };
const WIDE = { width: 1440, height: 900 };
/** A busy machine is given so long. */
const PATIENT = { timeout: 60_000 };
const RECORDED = 'Scheduler-monday';

/** A recording of ten seconds in which two threads of one worker finish a task every half second. */
async function record(folder: string): Promise<void> {
  const begin = 1_790_000_000;
  const worker = 'tcp://10.0.0.1:4001';
  const tables = new Tables();
  const recorder = new Recorder({ intern: tables.intern, accept: () => {} }, tables.textOf, {
    directoryOf: () => path.join(folder, RECORDED),
    keeper: new Keeper(),
  });
  attach(recorder, RECORDED, begin);
  recorder.accept({ kind: 'tick', time: begin, workers: { added: [workerOf(recorder, worker)] } });
  const fn = Uint32Array.of(recorder.intern('function', 'load'));
  for (let done = 2; done <= 40; done += 2) {
    const time = begin + done / 4;
    const rows = [1, 2].map(
      (thread): Row => ({
        key: `load-${done}-${thread}`,
        fn: 'load',
        worker,
        thread,
        compute: [time - 0.5, time - 0.1],
      }),
    );
    const states = new Uint32Array(STATE_COUNT);
    states[STATE_INDEX.memory] = done;
    const functions = { fn, states, forgotten: Float64Array.of(0), nbytes: Float64Array.of(done * 28) };
    recorder.accept({ kind: 'tick', time, finished: finishedOf(recorder, rows), functions });
  }
  await recorder.close();
}

/** The main pages in another browser than the one they were made with, over WebDriver BiDi. */
describe.skipIf(firefox === undefined)('the main pages in Firefox', () => {
  let browser: Browser;
  let taskglass: Taskglass;
  let recordings: string;
  let cluster: DaskCluster;
  let watching: Taskglass;
  let client: DaskDriver;

  beforeAll(async () => {
    recordings = mkdtempSync(path.join(tmpdir(), 'taskglass-firefox-'));
    await record(recordings);
    const demo = ['demo', '--workers', '2', '--threads-per-worker', '2', '--record-dir', recordings];
    [browser, taskglass, cluster] = await Promise.all([
      puppeteer.launch({ browser: 'firefox', executablePath: firefox ?? '', headless: true }),
      Taskglass.start(demo),
      DaskCluster.start({ workers: 2, threads: 1 }),
    ]);
    [watching, client] = await Promise.all([Taskglass.start([cluster.address, '--no-record']), cluster.client()]);
    await until('the example', async () => (await taskglass.api<{ total: number }>('tasks?limit=1')).total >= 301, {
      within: 60_000,
    });
  });
  afterAll(async () => {
    await browser?.close();
    await taskglass?.[Symbol.asyncDispose]();
    await watching?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    rmSync(recordings, { recursive: true, force: true });
  });

  async function open(name: string, viewport = WIDE, server = taskglass): Promise<{ page: Page; problems: string[] }> {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    await page.setViewport(viewport);
    await page.goto(server.url(name));
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

  /** Tasks of each function that the panel Progress counts as done. */
  const bars = (page: Page): Promise<Record<string, number>> =>
    page.$$eval('[role=region][aria-label=Progress] li[data-function]', (elements) =>
      Object.fromEntries(
        elements.map((element) => {
          const { function: name = '', released, memory } = (element as HTMLElement).dataset;
          return [name, Number(released) + Number(memory)];
        }),
      ),
    );
  const textOf = (page: Page, selector: string): Promise<string | null> =>
    page.$eval(selector, (element) => element.textContent).catch(() => null);

  test('/status: bars end at 100, 100, 100 and 1, the stream is drawn, resources and memory are there', async () => {
    const { page, problems } = await open('/status');
    await expect.poll(() => bars(page), { timeout: 20_000 }).toEqual({ inc: 100, dec: 100, add: 100, sum: 1 });
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

  test('/tasks: an area is cut out, and a search goes from hit to hit', async () => {
    const { page, problems } = await open('/tasks');
    await expect.poll(() => colors(page), PATIENT).toBeGreaterThanOrEqual(1);
    await page.keyboard.press('f');
    await expect.poll(() => colors(page), PATIENT).toBeGreaterThanOrEqual(3);
    const box = await (await page.waitForSelector('canvas.plot'))!.boundingBox();
    if (box === null) throw new Error('no plot');
    await page.keyboard.down('Shift');
    await page.mouse.move(box.x + box.width * 0.2, box.y + box.height * 0.1);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + box.height * 0.9, { steps: 4 });
    await page.mouse.up();
    await page.keyboard.up('Shift');
    await page.waitForSelector('[aria-label=Area] tbody tr', PATIENT);
    const query = new URL(page.url()).searchParams;
    const [since, till] = query.get('area')?.split('-') ?? [];
    const { functions } = await taskglass.api<{ functions: { name: string; count: number }[] }>(
      `area?since=${since}&until=${till}&tracks=${query.get('tracks')}`,
    );
    expect(functions.length).toBeGreaterThan(1);
    const table = (): Promise<unknown[]> =>
      page.$$eval('[aria-label=Area] tbody tr', (rows) =>
        rows.map((row) => ({ name: (row as HTMLElement).dataset.name, count: Number(row.children[1]?.textContent) })),
      );
    await expect.poll(table, PATIENT).toEqual(functions.map(({ name, count }) => ({ name, count })));
    await keepPicture(page, 'area');

    const hits = await taskglass.api<{ total: number; tasks: { key: string }[] }>('search?q=add&limit=2');
    expect(hits.total).toBeGreaterThanOrEqual(100);
    await page.keyboard.press('/');
    await page.keyboard.type('add');
    await expect.poll(() => textOf(page, '.search-says'), PATIENT).toBe(`${hits.total} hits`);
    for (const [index, { key }] of hits.tasks.entries()) {
      await page.keyboard.press('Enter');
      await expect.poll(() => textOf(page, '.details.pinned code.key'), PATIENT).toBe(key);
      await expect.poll(() => textOf(page, '.search-says'), PATIENT).toBe(`${index + 1} of ${hits.total}`);
    }
    await keepPicture(page, 'search');
    expect(problems).toEqual([]);
    await page.close();
  });

  test('/history: a recording is listed, opened, and shown at another moment', async () => {
    const { page, problems } = await open('/history');
    const button = `[data-recording="${RECORDED}"] a[aria-label^=Open]`;
    await page.waitForSelector(button, PATIENT);
    await keepPicture(page, 'history');
    await page.click(button);
    await expect.poll(() => bars(page), PATIENT).toEqual({ load: 40 });
    expect(new URL(page.url()).pathname).toBe(`/recordings/${RECORDED}/status`);
    await expect.poll(() => textOf(page, '.link-state'), PATIENT).toBe('Recording');

    await page.locator('input[aria-label="Time shown"]').fill('5.2');
    await expect.poll(() => bars(page), PATIENT).toEqual({ load: 20 });
    await expect.poll(() => textOf(page, '.link-state'), PATIENT).toMatch(/^At \d\d:\d\d:\d\d$/);
    await keepPicture(page, 'playhead');
    // Its keys go on from there, and its button back to the end.
    await page.focus('input[aria-label="Time shown"]');
    await page.keyboard.press('Home');
    await expect.poll(() => bars(page), PATIENT).toEqual({});
    await page.locator('[aria-label="Time travel"] ::-p-text(End)').click();
    await expect.poll(() => bars(page), PATIENT).toEqual({ load: 40 });
    expect(problems).toEqual([]);
    await page.close();
  });

  test('/status of a real Dask scheduler: a computation is seen from its first task to its last', async () => {
    const { page, problems } = await open('/status', WIDE, watching);
    await expect.poll(() => textOf(page, '[data-total=workers]'), PATIENT).toBe('2');
    await client.run(`
def inc(x):
    time.sleep(0.02)
    return x + 1
def fail(x):
    time.sleep(0.2)
    raise ValueError("the reason")
total = client.submit(sum, client.map(inc, range(40)))
failed = client.submit(fail, 1)
wait([total, failed])
`);
    await expect.poll(() => bars(page), PATIENT).toEqual({ inc: 40, sum: 1, fail: 0 });
    const erred = '[aria-label=Progress] li[data-function=fail]';
    await expect.poll(() => page.$eval(erred, (bar) => (bar as HTMLElement).dataset.erred), PATIENT).toBe('1');
    await expect.poll(() => colors(page), PATIENT).toBeGreaterThanOrEqual(1);
    await expect.poll(() => textOf(page, '[data-total=records]'), PATIENT).toBe('42');
    await keepPicture(page, 'status-dask');
    expect(problems).toEqual([]);
    await page.close();
  });

  test('a report opens from disk', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'taskglass-firefox-'));
    const file = path.join(folder, 'report.html');
    const response = await fetch(taskglass.url('/api/v1/export?format=html'));
    writeFileSync(file, Buffer.from(await response.arrayBuffer()));
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.setViewport(WIDE);
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
