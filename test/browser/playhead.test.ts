import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { inRoot } from '../../scripts/lib/run.mjs';
import type { RunningTask, SourceSink } from '../../src/model/source-event.ts';
import { STATE_COUNT, STATE_INDEX } from '../../src/model/task-state.ts';
import { Tables } from '../../src/recording/export/tables.ts';
import { Recorder } from '../../src/recording/recorder.ts';
import { Keeper } from '../../src/server/moments/keeper.ts';
import { ScriptedSource } from '../../src/server/scripted-source.fixture.ts';
import { startServer, type TaskglassServer } from '../../src/server/server.ts';
import { RecordingSource } from '../../src/source/recording.ts';
import { attach, finishedOf, type Row, workerOf } from '../../src/store/history.fixture.ts';
import { colorsOf } from '../../src/view/colors.ts';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import { type Picture, pictureOf } from '../support/canvas.ts';

const BEGIN = 1_790_000_000;
const WORKERS = Array.from({ length: 4 }, (_, i) => `tcp://10.0.0.${i + 1}:4000`);
const FUNCTIONS = ['load', 'clean', 'train'] as const;
/** A run lasts so long, and the second one begins so long after the first. */
const RUN = 30;
const APART = 50;
const PHONE = { width: 390, height: 844 };

/** Two runs in which every thread works on one function after another; a tick each half second, four workers, then three. */
function tell(sink: SourceSink, begin: number): void {
  attach(sink, 'Scheduler-1', begin);
  sink.accept({
    kind: 'tick',
    time: begin,
    workers: { added: WORKERS.map((worker, i) => workerOf(sink, worker, `w${i}`)) },
  });
  const done = new Map<string, number>(FUNCTIONS.map((fn) => [fn, 0]));
  for (const [run, first] of [begin, begin + APART].entries()) {
    for (let at = first + 0.5; at <= first + RUN; at += 0.5) {
      const share = Math.min(2, Math.floor(((at - first) / RUN) * 3));
      const workers = run === 0 ? WORKERS : WORKERS.slice(0, 3);
      const rows = workers.flatMap((worker, w): Row[] => {
        const fn = FUNCTIONS[share]!;
        done.set(fn, done.get(fn)! + 2);
        return [1, 2].map((thread) => {
          const compute = [at - 0.45, at - 0.05] as const;
          return { key: `${fn}-${run}-${at}-${w}-${thread}`, fn, worker, thread, compute };
        });
      });
      const started = workers.map((worker, w): RunningTask => {
        const [fn, index] = [FUNCTIONS[share]!, sink.intern('worker', worker)];
        return { key: `next-${run}-${at}-${w}`, fn: sink.intern('function', fn), worker: index, start: at };
      });
      const states = new Uint32Array(STATE_COUNT * FUNCTIONS.length);
      for (const [i, fn] of FUNCTIONS.entries()) states[i * STATE_COUNT + STATE_INDEX.memory] = done.get(fn)!;
      sink.accept({
        kind: 'tick',
        time: at,
        finished: finishedOf(sink, rows),
        running: { reset: true, started: at === first + RUN ? [] : started, ended: [] },
        functions: {
          fn: Uint32Array.from(FUNCTIONS, (fn) => sink.intern('function', fn)),
          states,
          forgotten: new Float64Array(FUNCTIONS.length),
          nbytes: Float64Array.from(FUNCTIONS, (fn) => done.get(fn)! * 1_000),
        },
        workers: { samples: workers.map((worker, w) => sampleOf(sink, worker, at, 40 + 20 * w)) },
      });
    }
    if (run === 0) {
      const worker = sink.intern('worker', WORKERS[3]!);
      sink.accept({ kind: 'tick', time: first + RUN + 5, workers: { removed: [worker] } });
    }
  }
}

function sampleOf(sink: SourceSink, worker: string, lastSeen: number, cpu: number) {
  const metrics = { lastSeen, cpu, process: 3e8, managed: 1e8, unmanagedOld: 5e7, unmanagedRecent: 1e7, spilled: 0 };
  const traffic = { networkRead: 1e6, networkWrite: 2e6, diskRead: 0, diskWrite: 0, fds: 9, eventLoopInterval: 0.02 };
  const counts = { processing: 1, inMemory: 5, executing: 1, occupancy: 1, nbytes: 1e6 };
  return { worker: sink.intern('worker', worker), counts, metrics: { ...metrics, ...traffic, latency: 0.001 } };
}

/** Tasks of a function in memory at a time, as the history says. */
function inMemory(fn: (typeof FUNCTIONS)[number], time: number): number {
  let count = 0;
  for (const [run, first] of [0, APART].entries()) {
    for (let at = first + 0.5; at <= Math.min(first + RUN, time); at += 0.5) {
      if (FUNCTIONS[Math.min(2, Math.floor(((at - first) / RUN) * 3))] === fn) count += run === 0 ? 8 : 6;
    }
  }
  return count;
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const results = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
  );
  return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

/** Where from left to right, 0 to 1, a picture has a line of this colour from its top to near its bottom; 0: nowhere. */
function lineAt({ width, height, data }: Picture, color: string): number {
  const wanted = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  for (let x = 0; x < width; x++) {
    let found = 0;
    for (let y = 0; y < height; y++) if (wanted.every((part, i) => data[(y * width + x) * 4 + i] === part)) found++;
    if (found > height * 0.6) return x / width;
  }
  return 0;
}

const bar = (page: Page, fn: string) => page.locator(`[role=region][aria-label=Progress] li[data-function=${fn}]`);
const travel = (page: Page) => page.getByRole('region', { name: 'Time travel' });
const slider = (page: Page) => travel(page).getByRole('slider', { name: 'Time shown' });
const workers = (page: Page) => page.locator('[data-total=workers]');

async function shows(page: Page, time: number): Promise<void> {
  for (const fn of FUNCTIONS) {
    const count = inMemory(fn, time);
    if (count === 0) await expect.poll(() => bar(page, fn).count()).toBe(0);
    else await expect.poll(() => bar(page, fn).getAttribute('data-memory')).toBe(String(count));
  }
}

describe('time travel', () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    await build();
    browser = await launchBrowser();
    folder = await mkdtemp(path.join(tmpdir(), 'taskglass-playhead-'));
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const serveRecorded = async (): Promise<TaskglassServer> => {
    const directory = path.join(folder, 'recorded');
    const tables = new Tables();
    const recorder = new Recorder({ intern: tables.intern, accept: () => {} }, tables.textOf, {
      directoryOf: () => directory,
      limits: { tasks: 150 },
      keeper: new Keeper(),
    });
    tell(recorder, BEGIN);
    await recorder.close();
    return startServer({ source: new RecordingSource(directory), directory, port: 0, pageDir: inRoot('dist/page') });
  };

  test('a recording is shown at any moment, played to its end, and its address says where', async () => {
    await using server = await serveRecorded();
    const { page, problems } = await openPage(browser, server.url, { colorScheme: 'light' });
    await shows(page, 2 * APART);
    await expect.poll(() => workers(page).textContent()).toBe('3');
    await travel(page).waitFor();
    await keepPicture(page, 'playhead-end');

    // Seconds after the beginning, which is when the first task began.
    for (const at of [40, 12.2, 65.3]) {
      await slider(page).fill(String(at));
      await shows(page, at);
      await expect.poll(() => workers(page).textContent()).toBe(at > 35 ? '3' : '4');
      await expect.poll(() => page.locator('.link-state').textContent()).toMatch(/^At \d\d:\d\d:\d\d$/);
    }
    // A line stands at that moment in each chart, and nothing is drawn right of it.
    for (const chart of await page.locator('[aria-label=Resources] .plot canvas').all()) {
      await expect.poll(async () => lineAt(await pictureOf(chart), colorsOf('light').accent)).toBeGreaterThan(0.85);
      expect(lineAt(await pictureOf(chart), colorsOf('light').accent)).toBeLessThan(0.97);
    }
    await keepPicture(page, 'playhead-light');
    expect(await violations(page)).toEqual([]);
    await expect.poll(() => page.url()).toMatch(/[?&]at=1790000065\.\d+$/);
    // The same again from its address, in the dark and on a phone.
    const again = await openPage(browser, page.url(), { colorScheme: 'dark' });
    await shows(again.page, 65.3);
    await keepPicture(again.page, 'playhead-dark');
    expect(await violations(again.page)).toEqual([]);
    await again.page.goto(page.url().replace('/status', '/tasks'));
    await again.page.locator('[aria-label="Task stream"][data-mode=slices]').waitFor();
    await keepPicture(again.page, 'playhead-tasks');
    const phone = await openPage(browser, page.url(), { viewport: PHONE, hasTouch: true, isMobile: true });
    await shows(phone.page, 65.3);
    expect(await phone.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
    await keepPicture(phone.page, 'playhead-phone');

    await travel(page).getByRole('button', { name: 'Run before' }).click();
    await shows(page, 50);
    await travel(page).getByRole('combobox', { name: 'Speed' }).selectOption('100');
    await page.keyboard.press('Escape');
    await page.locator('#page').focus();
    await page.keyboard.press('Space');
    await shows(page, 2 * APART);
    await expect.poll(() => travel(page).getAttribute('data-playing')).toBe('false');
    await travel(page).getByRole('button', { name: 'End' }).click();
    await expect.poll(() => page.locator('.link-state').textContent()).toBe('Recording');
    await expect.poll(() => page.url()).not.toContain('at=');
    expect([...problems, ...again.problems, ...phone.problems]).toEqual([]);
    for (const opened of [page, again.page, phone.page]) await opened.context().close();
  });

  test('a cluster that is watched can be looked back at, and lives on meanwhile', async () => {
    // An hour ago, so that nothing of it lies in the future.
    const begin = Math.floor(Date.now() / 1000) - 3_600;
    const source = new ScriptedSource((started) => tell(started.sink, begin));
    const record = { folder: path.join(folder, 'live') };
    await using server = await startServer({ source, port: 0, pageDir: inRoot('dist/page'), record });
    const { page, problems } = await openPage(browser, server.url);
    await shows(page, 2 * APART);
    expect(await travel(page).count()).toBe(0);
    await page.getByRole('button', { name: 'Time travel' }).click();
    // The ruler is a way there too.
    const ruler = page.locator('[aria-label="Task stream"] canvas.ruler');
    const box = (await ruler.boundingBox())!;
    await page.mouse.click(box.x + box.width * 0.6, box.y + box.height / 2);
    await expect.poll(() => travel(page).getAttribute('data-away')).toBe('true');
    await slider(page).fill('12.2');
    await shows(page, 12.2);
    await keepPicture(page, 'playhead-live');

    const states = new Uint32Array(STATE_COUNT);
    states[STATE_INDEX.memory] = 999;
    const fn = Uint32Array.of(source.sink.intern('function', 'load'));
    const counts = { fn, states, forgotten: Float64Array.of(0), nbytes: Float64Array.of(0) };
    source.tick({ functions: counts }, begin + 2 * APART);
    await page.keyboard.press('Tab');
    await shows(page, 12.2);
    await travel(page).getByRole('button', { name: 'Live' }).click();
    await expect.poll(() => bar(page, 'load').getAttribute('data-memory')).toBe('999');
    await expect.poll(() => page.locator('.link-state').textContent()).toBe('Live');
    await travel(page).getByRole('button', { name: 'Close time travel' }).click();
    expect(await travel(page).count()).toBe(0);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
