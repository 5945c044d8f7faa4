import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHistory } from '../../bench/support/history-server.ts';
import { build } from '../../scripts/lib/build.mjs';
import { RESERVED_COLORS } from '../../src/model/palette.ts';
import { EPOCH, ScriptedSource, tasksOf } from '../../src/server/scripted-source.fixture.ts';
import { startServer, type TaskglassServer } from '../../src/server/server.ts';
import { keepPicture, launchBrowser, openPage } from '../support/browser.ts';
import { type Picture, pictureOf } from '../support/canvas.ts';
import { ROOT } from '../support/project-files.ts';

/** 1,024 threads on 32 hosts. */
const WORKERS = 128;
const THREADS = 8;
const HOSTS = 32;
const PER_HOST = (WORKERS / HOSTS) * THREADS;
const START = 1_760_000_000;
const STREAM = '[role=region][aria-label="Task stream"]';

interface SharesAnswer {
  readonly start: number;
  readonly bin: number;
  readonly groups: readonly {
    readonly shares: readonly {
      readonly kind: string;
      readonly color: { readonly hex: string } | null;
      readonly busy: readonly number[];
    }[];
  }[];
}

/** What a page asks its server for: the rows of its last windows. */
interface Asked {
  tracks: number[] | null;
  groups: number;
}

describe('/tasks with a thousand threads', () => {
  let browser: Browser;
  let server: TaskglassServer;

  beforeAll(async () => {
    await build();
    server = await serveHistory({ tasks: 60_000, workers: WORKERS, threads: THREADS });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const url = (path: string): string => new URL(path, server.url).href;
  const panel = (page: Page) => page.locator(STREAM);
  const rowCount = (page: Page): Promise<string | null> => panel(page).getAttribute('data-row-count');
  const open = async (path: string): Promise<{ page: Page; problems: readonly string[]; asked: Asked }> => {
    const asked: Asked = { tracks: null, groups: 0 };
    const { page, problems } = await openPage(browser, 'about:blank', { colorScheme: 'light' });
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => {
        const { kind, query } = JSON.parse(payload.toString()) as { kind: string; query?: Record<string, unknown[]> };
        // The sum of all tracks is the minimap's.
        if (kind !== 'window' || query?.maxSlices === undefined || (query.groups?.length ?? 0) === 1) return;
        if (query.groups === undefined) asked.tracks = (query.tracks as number[] | undefined) ?? null;
        else asked.groups = query.groups.length;
      }),
    );
    await page.goto(url(path));
    await page.locator('[data-link=connected]').waitFor();
    await page.locator(`${STREAM}[data-mode=shares], ${STREAM}[data-mode=slices]`).waitFor();
    return { page, problems, asked };
  };
  const view = (page: Page): Promise<{ since: number; until: number }> =>
    panel(page).evaluate((element) => {
      const { since, until } = (element as HTMLElement).dataset;
      return { since: Number(since) / 1e6, until: Number(until) / 1e6 };
    });
  const settled = async (page: Page, count: number): Promise<void> => {
    await expect.poll(() => rowCount(page), { timeout: 15_000 }).toBe(String(count));
  };

  test('opens folded by host; a column of a folded row is the exact sum of its threads', async () => {
    const first = await open('/tasks');
    await settled(first.page, HOSTS);
    const { width } = await pictureOf(first.page.locator(`${STREAM} canvas.plot`));
    await first.page.context().close();
    const bin = 2 ** 15;
    const since = Math.ceil(((START + 4) * 1e6) / bin) * bin;
    const until = since + width * bin;
    const { page, problems } = await open(`/tasks?since=${since / 1e6}&until=${until / 1e6}`);
    await settled(page, HOSTS);
    await expect.poll(() => panel(page).getAttribute('data-since')).toBe(String(since));
    await expect.poll(() => panel(page).getAttribute('data-level')).toMatch(/^1[45]$/);
    await page.mouse.move(5, 5);
    const answer = await fetch(url(`/api/v1/shares?since=${since / 1e6}&until=${until / 1e6}&bins=${width}&by=worker`));
    const { bin: seconds, groups } = (await answer.json()) as SharesAnswer;
    expect(seconds).toBe(bin / 1e6);
    const rows = JSON.parse((await panel(page).getAttribute('data-rows')) ?? '[]') as [number, number, number][];
    expect(rows).toHaveLength(HOSTS);
    const picture = await pictureOf(page.locator(`${STREAM} canvas.plot`));
    await keepPicture(page, 'tasks-rows');
    let compared = 0;
    for (const [host, [, y, height]] of rows.slice(0, 5).entries()) {
      // Hosts lie in the order of their workers.
      const workers = groups.slice((host * WORKERS) / HOSTS, ((host + 1) * WORKERS) / HOSTS);
      for (let column = 3; column < width; column += 11) {
        const parts = workers.flatMap(({ shares }) => shares);
        // The stream's columns begin with its first task, a hair after a bin's edge: an error of the next bin shows too.
        const erred = parts.some(
          ({ kind, busy: of }) => kind === 'erred' && Math.max(...of.slice(column - 1, column + 2)) > 0,
        );
        const busy = parts.reduce((sum, part) => sum + (part.busy[column] ?? 0), 0);
        // Errors have a pixel at least, and overlapping transfers shrink all: two declared exceptions.
        if (erred || busy > PER_HOST * seconds) continue;
        const mean = meanOfColumn(picture, column, Math.round(y), Math.round(height));
        const expected = [0xffffff, 0xecece8].map((behind) => {
          const idle = 1 - busy / (PER_HOST * seconds);
          return [16, 8, 0].map(
            (shift) =>
              idle * ((behind >> shift) & 255) +
              parts.reduce((sum, { busy: of, color, kind }) => {
                const hex = color?.hex ?? RESERVED_COLORS[kind as keyof typeof RESERVED_COLORS];
                const value = (Number.parseInt(hex.slice(1), 16) >> shift) & 255;
                return sum + (value * (of[column] ?? 0)) / (PER_HOST * seconds);
              }, 0),
          );
        });
        const off = Math.min(...expected.map((one) => Math.max(...one.map((c, i) => Math.abs(c - (mean[i] ?? 0))))));
        expect(off, `host ${host}, column ${column}: ${mean} for ${expected[0]}`).toBeLessThanOrEqual(1.5);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(200);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('unfolds by a click, a key and the menu, asks only for rows near the screen, and scrolls to the last', async () => {
    const { page, problems, asked } = await open('/tasks');
    await settled(page, HOSTS);
    const gutter = (await page.locator('canvas.gutter').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await page.mouse.click(gutter.x + gutter.width - 20, gutter.y + 8);
    await settled(page, HOSTS - 1 + PER_HOST);
    await expect.poll(() => asked.tracks?.length).toBe(PER_HOST);
    const plot = page.locator(`${STREAM} canvas.plot`);
    await plot.focus();
    await page.keyboard.press('g');
    await settled(page, HOSTS);
    await page.getByRole('button', { name: 'Rows ▾' }).click();
    await page.getByRole('button', { name: 'Unfold all' }).click();
    await settled(page, WORKERS * THREADS);
    await page.keyboard.press('Escape');
    await expect.poll(() => asked.tracks?.includes(PER_HOST + 1)).toBe(true);
    expect(asked.tracks?.length).toBeLessThan(400);

    await plot.focus();
    await page.keyboard.press('End');
    await expect.poll(() => asked.tracks?.includes(WORKERS * THREADS - 1), { timeout: 15_000 }).toBe(true);
    expect(asked.tracks?.length).toBeLessThan(400);
    // The bar is at its end; grabbed, it brings the first rows back.
    const bar = page.getByRole('scrollbar', { name: 'Rows' });
    await expect.poll(async () => bar.getAttribute('aria-valuenow')).toBe(await bar.getAttribute('aria-valuemax'));
    await expect.poll(async () => busyBelow(await pictureOf(plot)), { timeout: 15_000 }).toBeGreaterThan(0.1);
    const thumb = (await bar.locator('.thumb').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await page.mouse.move(thumb.x + 3, thumb.y + thumb.height / 2);
    await page.mouse.down();
    await page.mouse.move(thumb.x + 3, gutter.y, { steps: 5 });
    await page.mouse.up();
    await expect.poll(() => bar.getAttribute('aria-valuenow')).toBe('0');
    await expect.poll(() => asked.tracks?.includes(0), { timeout: 15_000 }).toBe(true);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('rows that are pinned stay at the top while the others scroll', async () => {
    const { page, problems, asked } = await open('/tasks');
    await settled(page, HOSTS);
    // Escape closes what a key has opened, wherever the focus is.
    for (const name of ['Rows ▾', 'Export ▾']) {
      const button = page.getByRole('button', { name });
      await button.press('Enter');
      await expect.poll(() => button.getAttribute('aria-expanded')).toBe('true');
      await page.keyboard.press('Escape');
      await expect.poll(() => button.getAttribute('aria-expanded')).toBe('false');
    }
    await page.getByRole('button', { name: 'Rows ▾' }).click();
    await page.getByRole('button', { name: 'Unfold all' }).click();
    await settled(page, WORKERS * THREADS);
    await page.getByRole('button', { name: 'worker', exact: true }).click();
    await page.keyboard.press('Escape');
    const plot = page.locator(`${STREAM} canvas.plot`);
    // Rows are put into other groups with the next frame: what is pinned is the group at hand then.
    await expect.poll(() => new URL(page.url()).searchParams.get('group'), { timeout: 15_000 }).toBe('worker');
    await plot.focus();
    await page.keyboard.press('t');
    await expect.poll(() => new URL(page.url()).searchParams.get('pinned'), { timeout: 15_000 }).toContain('worker');
    // Below this line rows scroll: pinned ones have one worker's height.
    const top = async () => {
      const { width, data } = await pictureOf(plot);
      return data.subarray(0, width * 4 * (THREADS * 6 - 2)).join();
    };
    await expect.poll(async () => busyBelow(await pictureOf(plot)), { timeout: 15_000 }).toBeGreaterThan(0.1);
    const before = await top();
    await page.keyboard.press('End');
    await expect.poll(() => asked.tracks?.includes(WORKERS * THREADS - 1), { timeout: 15_000 }).toBe(true);
    expect(asked.tracks).toEqual(expect.arrayContaining(Array.from({ length: THREADS }, (_, track) => track)));
    expect(asked.tracks).not.toContain(THREADS + 50);
    await expect.poll(top, { timeout: 15_000 }).toBe(before);
    await keepPicture(page, 'tasks-rows-pinned');
    // They are there to be pointed at as well.
    const box = (await plot.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await page.mouse.move(box.x + box.width / 10, box.y + 3);
    await page.getByRole('tooltip').getByText('thread 0').waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('groups, sorts and filters rows, and goes to a time since the run began', async () => {
    const { page, problems } = await open('/tasks');
    await settled(page, HOSTS);
    await page.getByRole('button', { name: 'Rows ▾' }).click();
    const menu = page.getByRole('dialog', { name: 'Rows and time' });
    await menu.getByRole('button', { name: 'worker', exact: true }).click();
    await settled(page, WORKERS);
    await menu.getByRole('button', { name: 'none', exact: true }).click();
    await settled(page, WORKERS * THREADS);
    await menu.getByRole('searchbox').fill('worker-7');
    // worker-7 and worker-70 to worker-79.
    await settled(page, 11 * THREADS);
    const order = async (): Promise<number[]> => {
      const rows = JSON.parse((await panel(page).getAttribute('data-rows')) ?? '[]') as [number, number, number][];
      return rows.map(([track]) => track);
    };
    const { since, until } = await view(page);
    await menu.getByRole('combobox').selectOption('busy');
    const answer = await fetch(url(`/api/v1/tracks?since=${since}&until=${until}`));
    const { busy } = (await answer.json()) as { busy: number[] };
    const byBusy = async (): Promise<boolean> => {
      const values = (await order()).map((track) => busy[track] ?? 0);
      return values.every((value, i) => i === 0 || value <= (values[i - 1] ?? 0));
    };
    await expect.poll(byBusy, { timeout: 15_000 }).toBe(true);
    await menu.getByLabel('Go to time').fill('+0:05');
    await menu.getByLabel('Go to time').press('Enter');
    await expect
      .poll(async () => {
        const shown = await view(page);
        return Math.abs((shown.since + shown.until) / 2 - (START + 5)) < 0.5;
      })
      .toBe(true);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});

test('the table of an area that reaches into the present grows with it; what was missed after the last run is seen', async () => {
  await build();
  const source = new ScriptedSource();
  await using server = await startServer({ source, port: 0, pageDir: path.join(ROOT, 'dist', 'page') });
  const browser = await launchBrowser();
  try {
    const tell = (fn: string, count: number, from: number): void => source.finish(tasksOf(fn, count, from));
    tell('load', 40, EPOCH);
    const area = `area=${EPOCH}-${EPOCH + 60}`;
    const { page, problems } = await openPage(browser, server.url.replace('/status', `/tasks?${area}`));
    const shown = () =>
      page
        .locator('[role=region][aria-label="Area"] tbody tr')
        .evaluateAll((rows) => rows.map((row) => [(row as HTMLElement).dataset.name, row.children[1]?.textContent]));
    await expect.poll(shown, { timeout: 15_000 }).toEqual([['load', '40']]);
    // Nobody touches the page meanwhile.
    tell('load', 10, EPOCH + 2);
    tell('store', 70, EPOCH + 3);
    const later = [
      ['store', '70'],
      ['load', '50'],
    ];
    await expect.poll(shown, { timeout: 15_000 }).toEqual(later);
    await page.goto(server.url.replace('/status', '/tasks'));
    const panel = page.locator(STREAM);
    await expect.poll(async () => Number(await panel.getAttribute('data-until'))).toBeGreaterThan((EPOCH + 3) * 1e6);
    source.emit({ kind: 'gap', since: EPOCH + 4, until: EPOCH + 6, size: 1_234, reason: 'overload' });
    source.tick({}, EPOCH + 20);
    await expect
      .poll(async () => Number(await panel.getAttribute('data-until')), { timeout: 15_000 })
      .toBeGreaterThan((EPOCH + 6) * 1e6);
    await keepPicture(page, 'tasks-gap-last');
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
  }
});

function meanOfColumn({ width, data }: Picture, x: number, y: number, height: number): number[] {
  return [0, 1, 2].map((c) => {
    let sum = 0;
    for (let row = y; row < y + height; row++) sum += data[(row * width + x) * 4 + c] ?? 0;
    return sum / height;
  });
}

/** The part of the lowest lines that is coloured. */
function busyBelow({ width, height, data }: Picture): number {
  let busy = 0;
  const lines = 40;
  for (let i = (height - lines) * width * 4; i < data.length; i += 4) {
    const [r = 0, g = 0, b = 0] = data.subarray(i, i + 3);
    if (Math.max(r, g, b) - Math.min(r, g, b) > 24) busy++;
  }
  return busy / (lines * width);
}
