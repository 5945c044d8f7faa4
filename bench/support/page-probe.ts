import type { Browser, CDPSession, Page } from 'playwright-core';
import { openPage } from '../../test/support/browser.ts';
import { until } from '../../test/support/until.ts';
import { quantile } from './stats.ts';

/** How a page kept up for some seconds. */
export interface Frames {
  readonly framesPerSecond: number;
  /** The slowest 5 % of the intervals between frames begin here, ms. */
  readonly frameP95: number;
  /** Main-thread time per frame, ms. */
  readonly busyPerFrame: number;
  /** Share of the time in which the main thread was busy. */
  readonly busy: number;
}

/** A page that has drawn something. */
export interface Drawn extends AsyncDisposable {
  readonly page: Page;
  /** From navigation to the first coloured pixels on a canvas, ms. */
  readonly drawn: number;
  /** Bytes over HTTP and WebSocket until now. */
  readonly bytes: { readonly http: number; readonly socket: number };
  /** Bytes that its scripts hold. */
  heap(): Promise<number>;
  /** How it keeps up while something is done. */
  frames(act: () => Promise<unknown>): Promise<Frames>;
}

export interface PageFigures extends Frames {
  readonly drawn: number;
  /** Until it was drawn. */
  readonly httpBytes: number;
  readonly socketBytes: number;
  readonly heap: number;
}

/** Runs in the page: notes when a canvas, in whatever shadow tree, first shows colour. The same for every page. */
export function noteFirstColor(): void {
  const canvases = (root: ParentNode): HTMLCanvasElement[] =>
    [...root.querySelectorAll('*')].flatMap((element) => [
      ...(element instanceof HTMLCanvasElement ? [element] : []),
      ...(element.shadowRoot === null ? [] : canvases(element.shadowRoot)),
    ]);
  const small = new OffscreenCanvas(160, 90);
  const context = small.getContext('2d', { willReadFrequently: true });
  const isColored = (canvas: HTMLCanvasElement): boolean => {
    if (context === null || canvas.width < 300 || canvas.height < 100) return false;
    context.clearRect(0, 0, 160, 90);
    context.drawImage(canvas, 0, 0, 160, 90);
    const { data } = context.getImageData(0, 0, 160, 90);
    let colored = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [r = 0, g = 0, b = 0, a = 0] = [data[i], data[i + 1], data[i + 2], data[i + 3]];
      if (a > 40 && Math.max(r, g, b) - Math.min(r, g, b) > 24) colored++;
    }
    return colored > 140;
  };
  const timer = setInterval(() => {
    if (!canvases(document).some(isColored)) return;
    clearInterval(timer);
    // The next frame is the one in which it can be seen.
    requestAnimationFrame(() => Object.assign(globalThis, { drawnAt: performance.now() }));
  }, 20);
}

/** Opens a page and waits until it is drawn. */
export async function openDrawn(browser: Browser, url: string): Promise<Drawn> {
  const { page } = await openPage(browser, 'about:blank');
  const cdp = await page.context().newCDPSession(page);
  const bytes = { http: 0, socket: 0 };
  await cdp.send('Network.enable');
  await cdp.send('Performance.enable', { timeDomain: 'timeTicks' });
  cdp.on('Network.loadingFinished', (event) => {
    bytes.http += event.encodedDataLength;
  });
  cdp.on('Network.webSocketFrameReceived', ({ response }) => {
    // Opcode 2 is binary, which arrives here as base64.
    bytes.socket +=
      response.opcode === 2 ? (response.payloadData.length * 3) / 4 : Buffer.byteLength(response.payloadData);
  });
  await page.addInitScript(noteFirstColor);
  await page.goto(url, { waitUntil: 'commit' });
  const drawn = await until('a drawn page', () => page.evaluate(() => (globalThis as { drawnAt?: number }).drawnAt), {
    within: 120_000,
    every: 100,
  });
  return {
    page,
    drawn,
    bytes,
    heap: () => metric(cdp, 'JSHeapUsedSize'),
    frames: (act) => framesDuring(page, cdp, act),
    [Symbol.asyncDispose]: () => page.context().close(),
  };
}

/** Opens a page with a stream of tasks, waits until it is drawn, then drags it to and fro. */
export async function probe(browser: Browser, url: string): Promise<PageFigures> {
  await using opened = await openDrawn(browser, url);
  const { page, drawn, bytes } = opened;
  const { http, socket } = bytes;
  await page.waitForTimeout(3_000);
  const pan = await dragSideways(opened);
  return { drawn, httpBytes: http, socketBytes: Math.round(socket), ...pan, heap: await opened.heap() };
}

const DRAG_MS = 4_000;

async function dragSideways({ page, frames }: Drawn): Promise<Frames> {
  const { width, height } = page.viewportSize() ?? { width: 1440, height: 900 };
  const y = height / 2;
  const cdp = await page.context().newCDPSession(page);
  await page.mouse.move(width / 2, y);
  await page.mouse.down();
  const pan = await frames(async () => {
    const start = performance.now();
    // Moves are sent by the clock and not waited for one by one: a hand does not wait for frames either.
    const sent: Promise<unknown>[] = [];
    for (let step = 0; performance.now() - start < DRAG_MS; step++) {
      const x = width / 2 + Math.sin(step / 20) * 200;
      sent.push(cdp.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y, button: 'left', buttons: 1 }));
      await page.waitForTimeout(Math.max(0, start + (step + 1) * 16 - performance.now()));
    }
    await Promise.all(sent);
  });
  await page.mouse.up();
  return pan;
}

async function framesDuring(page: Page, cdp: CDPSession, act: () => Promise<unknown>): Promise<Frames> {
  await page.evaluate(() => {
    const frames: number[] = [];
    const note = (time: number): void => {
      frames.push(time);
      requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
    Object.assign(globalThis, { frames });
  });
  const busyBefore = await metric(cdp, 'TaskDuration');
  const start = performance.now();
  await act();
  const frames = await page.evaluate(() => (globalThis as unknown as { frames: number[] }).frames);
  const seconds = (performance.now() - start) / 1000;
  const busy = (await metric(cdp, 'TaskDuration')) - busyBefore;
  const intervals = frames.slice(1).map((time, i) => time - (frames[i] ?? time));
  return {
    framesPerSecond: frames.length / seconds,
    frameP95: quantile(intervals, 0.95),
    busyPerFrame: (busy / frames.length) * 1000,
    busy: busy / seconds,
  };
}

async function metric(cdp: CDPSession, name: string): Promise<number> {
  const { metrics } = await cdp.send('Performance.getMetrics');
  return metrics.find((entry) => entry.name === name)?.value ?? Number.NaN;
}
