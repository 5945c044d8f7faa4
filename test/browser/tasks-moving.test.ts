import type { Browser, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveHistory } from '../../bench/support/history-server.ts';
import { build } from '../../scripts/lib/build.mjs';
import type { WindowQuery } from '../../src/model/batch.ts';
import type { TaskglassServer } from '../../src/server/server.ts';
import { launchBrowser, openPage } from '../support/browser.ts';
import { pictureOf } from '../support/canvas.ts';

const STREAM = '[role=region][aria-label="Task stream"]';
/** 1,024 threads on 32 hosts: more rows than are shown exactly while they move. */
const SIZE = { tasks: 120_000, workers: 128, threads: 8 };
/** An answer that is waited for while something moves has no more bytes than this. */
const MOST_BYTES = 800_000;

/** So long, ms, an answer is waited for before the next question; on a busy machine that may pass. */
const PATIENCE = 2_000;

/** What went to and fro for the windows of rows: the minimap's sum of all rows is not among them. */
interface Traffic {
  readonly asked: { readonly at: number; readonly id: number; readonly query: WindowQuery }[];
  /** First answers. */
  readonly answered: {
    readonly at: number;
    readonly id: number;
    readonly bytes: number;
    readonly query: Pick<WindowQuery, 'quick'>;
  }[];
}

/** Runs in the page, before anything else: notes questions about windows and their answers. */
function noteTraffic(): void {
  const traffic = { asked: [] as object[], answered: [] as object[] };
  Object.assign(globalThis, { traffic });
  const ids = new Set<number>();
  const Original = globalThis.WebSocket;
  globalThis.WebSocket = class extends Original {
    constructor(url: string | URL) {
      super(url);
      this.addEventListener('message', ({ data }: MessageEvent) => {
        if (!(data instanceof ArrayBuffer)) return;
        const head = new Uint8Array(data, 8, new DataView(data).getUint32(4, true));
        const { kind, id, batch } = JSON.parse(new TextDecoder().decode(head));
        if (kind !== 'window' || !batch.reset || !ids.has(id)) return;
        traffic.answered.push({ at: performance.now(), id, bytes: data.byteLength, query: batch.query });
      });
    }

    override send(data: string): void {
      const { kind, id, query } = JSON.parse(data);
      if (kind === 'window' && query.groups?.length !== 1) {
        ids.add(id);
        traffic.asked.push({ at: performance.now(), id, query });
      }
      super.send(data);
    }
  };
}

/** How many questions were on their way at once, at most, of those that were still waited for. */
function mostInFlight({ asked, answered }: Traffic): number {
  const inFlight = asked.map(
    ({ at, id, query }) =>
      asked.filter((before) => {
        if (before.id !== id || before.at > at || before.at < at - PATIENCE) return false;
        // What a view at rest asked is given up when it moves on.
        if (query.quick === true && before.query.quick !== true) return false;
        return (
          before.at === at || !answered.some((answer) => answer.id === id && answer.at >= before.at && answer.at <= at)
        );
      }).length,
  );
  return Math.max(0, ...inFlight);
}

let browser: Browser;
let server: TaskglassServer;

beforeAll(async () => {
  await build();
  server = await serveHistory(SIZE);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

const level = async (page: Page): Promise<number> => Number(await page.locator(STREAM).getAttribute('data-level'));
const exactLevel = (page: Page): Promise<number> =>
  page.locator(STREAM).evaluate((panel) => {
    const { since, until } = (panel as HTMLElement).dataset;
    const { width } = panel.querySelector('canvas.plot') as HTMLCanvasElement;
    return Math.floor(Math.log2((Number(until) - Number(since)) / width));
  });

/** Turns the wheel over the middle of the rows, a step a frame, without waiting for any of them. */
async function zoom(page: Page, cdp: CDPSession, steps: number, deltaY: number): Promise<void> {
  const plot = (await page.locator(`${STREAM} canvas.plot`).boundingBox()) ?? { x: 0, y: 0, width: 2, height: 2 };
  const at = { x: plot.x + plot.width / 2, y: plot.y + plot.height / 2 };
  const sent: Promise<unknown>[] = [];
  for (let step = 0; step < steps; step++) {
    sent.push(cdp.send('Input.dispatchMouseEvent', { type: 'mouseWheel', ...at, deltaX: 0, deltaY }));
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
  await Promise.all(sent);
}

test('what moves waits for one small answer at a time; at rest the exact one takes its place', async () => {
  const { page, problems } = await openPage(browser, 'about:blank');
  await page.addInitScript(noteTraffic);
  const traffic = (): Promise<Traffic> => page.evaluate(() => (globalThis as unknown as { traffic: Traffic }).traffic);
  const forget = (): Promise<void> =>
    page.evaluate(() => {
      const { traffic } = globalThis as unknown as { traffic: { asked: object[]; answered: object[] } };
      traffic.asked.length = traffic.answered.length = 0;
    });
  const cdp = await page.context().newCDPSession(page);
  await page.goto(new URL('/tasks', server.url).href);
  await page.locator(`${STREAM}[data-mode=shares]`).waitFor();
  // The first picture is a quick one, and it does not stay.
  const first = await traffic();
  expect(first.asked[0]?.query).toMatchObject({ quick: true });
  expect(first.answered[0]?.bytes).toBeLessThan(MOST_BYTES);
  const settled = async (): Promise<void> => {
    await expect.poll(async () => (await level(page)) - (await exactLevel(page)), { timeout: 30_000 }).toBe(0);
    await expect.poll(async () => (await traffic()).answered.at(-1)?.query.quick, { timeout: 30_000 }).toBeUndefined();
  };
  await settled();

  for (const [steps, deltaY] of [
    [40, -60],
    [60, 60],
  ] as const) {
    await forget();
    await zoom(page, cdp, steps, deltaY);
    await settled();
    const { asked, answered } = await traffic();
    expect(mostInFlight({ asked, answered })).toBe(1);
    for (const { bytes, query } of answered) if (query.quick === true) expect(bytes).toBeLessThan(MOST_BYTES);
    expect(asked.length).toBeLessThan(steps);
  }

  // What is drawn at rest after moving is what is drawn of the same view by a page that never moved.
  const { since, until } = await page.locator(STREAM).evaluate((panel) => ({ ...(panel as HTMLElement).dataset }));
  const at = `/tasks?since=${Number(since) / 1e6}&until=${Number(until) / 1e6}`;
  await page.mouse.move(5, 5);
  const other = await openPage(browser, new URL(at, server.url).href);
  await expect
    .poll(async () => (await level(other.page)) - (await exactLevel(other.page)), { timeout: 30_000 })
    .toBe(0);
  await other.page.mouse.move(5, 5);
  const plot = `${STREAM} canvas.plot`;
  await expect
    .poll(
      async () => {
        const [a, b] = await Promise.all([pictureOf(page.locator(plot)), pictureOf(other.page.locator(plot))]);
        let differ = 0;
        for (let i = 0; i < a.data.length; i++) if (Math.abs((a.data[i] ?? 0) - (b.data[i] ?? 0)) > 8) differ++;
        return differ / a.data.length;
      },
      { timeout: 30_000 },
    )
    .toBeLessThan(0.01);
  expect([...problems, ...other.problems]).toEqual([]);
});
