import { readFileSync } from 'node:fs';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { openPage } from '../../test/support/browser.ts';
import { until } from '../../test/support/until.ts';
import { noteFirstColor } from './page-probe.ts';
import { quantile } from './stats.ts';

/** How a page moved while something was done to it. */
export interface Movement {
  readonly framesPerSecond: number;
  /** Interval between frames, ms. */
  readonly frameP50: number;
  readonly frameP95: number;
  /** Main-thread time a frame, ms. */
  readonly busyPerFrame: number;
  /** Bytes that came over the WebSocket meanwhile. */
  readonly bytes: number;
}

export interface StreamFigures {
  /** From navigation to the first coloured pixels of the stream, ms. */
  readonly drawn: number;
  /** Over the WebSocket until then, and three seconds later. */
  readonly bytesDrawn: number;
  readonly bytesSettled: number;
  readonly movements: Readonly<Record<string, Movement>>;
  /** Used by scripts, and by the page's process as a whole; the highest that was seen. */
  readonly heap: number;
  readonly resident: number;
}

const STREAM = '[role=region][aria-label="Task stream"]';
const SECONDS = 4;
/** A hand moves so often, ms. */
const STEP = 16;

/** A page that is dragged, zoomed and scrolled by a script as by a hand. */
class Probe {
  readonly page: Page;
  readonly #browser: Browser;
  readonly #cdp: CDPSession;
  heap = 0;
  resident = 0;

  constructor(browser: Browser, page: Page, cdp: CDPSession) {
    this.#browser = browser;
    this.page = page;
    this.#cdp = cdp;
  }

  /** Does `step` at the pace of a hand for some seconds and looks at the frames meanwhile. */
  async during(step: (at: number, dispatch: (event: Record<string, unknown>) => void) => void): Promise<Movement> {
    const sent: Promise<unknown>[] = [];
    const dispatch = (event: Record<string, unknown>): void => {
      sent.push(this.#cdp.send('Input.dispatchMouseEvent', event as never));
    };
    await this.page.evaluate(() => {
      const noted = { frames: [] as number[], on: true };
      const note = (time: number): void => {
        noted.frames.push(time);
        if (noted.on) requestAnimationFrame(note);
      };
      requestAnimationFrame(note);
      Object.assign(globalThis, { noted });
    });
    const bytes = await this.bytes();
    const before = await this.#metric('TaskDuration');
    const start = performance.now();
    // Moves are sent by the clock and not waited for one by one: a hand does not wait for frames either.
    for (let at = 0; performance.now() - start < SECONDS * 1_000; at++) {
      step(at, dispatch);
      await this.page.waitForTimeout(Math.max(0, start + (at + 1) * STEP - performance.now()));
    }
    await Promise.all(sent);
    const frames = await this.page.evaluate(() => {
      const { noted } = globalThis as unknown as { noted: { frames: number[]; on: boolean } };
      noted.on = false;
      return noted.frames;
    });
    const seconds = (performance.now() - start) / 1_000;
    const busy = (await this.#metric('TaskDuration')) - before;
    await this.weigh();
    const intervals = frames.slice(1).map((time, i) => time - (frames[i] ?? time));
    return {
      framesPerSecond: frames.length / seconds,
      frameP50: quantile(intervals, 0.5),
      frameP95: quantile(intervals, 0.95),
      busyPerFrame: (busy / Math.max(1, frames.length)) * 1_000,
      bytes: (await this.bytes()) - bytes,
    };
  }

  /** What has come over the WebSocket. */
  async bytes(): Promise<number> {
    return await this.page.evaluate(() => (globalThis as unknown as { received: number }).received);
  }

  async weigh(): Promise<void> {
    this.heap = Math.max(this.heap, await this.#metric('JSHeapUsedSize'));
    const session = await this.#browser.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    await session.detach();
    // The browser keeps a spare process for the next page; the one at work is the largest.
    const sizes = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => anonymousBytes(id));
    this.resident = Math.max(this.resident, ...sizes);
  }

  async #metric(name: string): Promise<number> {
    const { metrics } = await this.#cdp.send('Performance.getMetrics');
    return metrics.find((entry) => entry.name === name)?.value ?? Number.NaN;
  }
}

/** Memory of a process that is its own, bytes. */
function anonymousBytes(pid: number): number {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

/**
 * Runs in the page: counts what comes over WebSockets. The browser's own tools would hand every message on as text, which takes the
 * page longer than to read it.
 */
function countReceived(): void {
  const counted = globalThis as unknown as { received: number };
  counted.received = 0;
  const Original = globalThis.WebSocket;
  globalThis.WebSocket = class extends Original {
    constructor(url: string | URL) {
      super(url);
      this.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer | string>) => {
        counted.received += typeof data === 'string' ? data.length : data.byteLength;
      });
    }
  };
}

/** Opens /tasks and moves about in it: folded as it opens, then with all its rows unless it is `foldedAlone`. */
export async function probeStream(
  browser: Browser,
  url: string,
  picture: string | null,
  foldedAlone = false,
): Promise<StreamFigures> {
  const { page, problems } = await openPage(browser, 'about:blank');
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable', { timeDomain: 'timeTicks' });
  const probe = new Probe(browser, page, cdp);
  await page.addInitScript(noteFirstColor);
  await page.addInitScript(countReceived);
  await page.goto(url, { waitUntil: 'commit' });
  const drawn = await until('a drawn stream', () => page.evaluate(() => (globalThis as { drawnAt?: number }).drawnAt), {
    within: 120_000,
    every: 50,
  });
  const bytesDrawn = await probe.bytes();
  await page.waitForTimeout(3_000);
  const bytesSettled = await probe.bytes();
  const movements: Record<string, Movement> = {};
  const plot = (await page.locator(`${STREAM} canvas.plot`).boundingBox()) ?? { x: 0, y: 0, width: 1, height: 1 };
  const centre = { x: plot.x + plot.width / 2, y: plot.y + plot.height / 2 };
  const wheel = { type: 'mouseWheel', ...centre, deltaX: 0 };
  /** In for half of the time, then out again. */
  const zoom: Parameters<Probe['during']>[0] = (at, dispatch) =>
    dispatch({ ...wheel, deltaY: at * STEP < (SECONDS * 1_000) / 2 ? -40 : 40 });
  const drag = async (name: string): Promise<void> => {
    await page.mouse.move(centre.x, centre.y);
    await page.mouse.down();
    movements[name] = await probe.during((at, dispatch) => {
      const x = centre.x + Math.sin(at / 20) * plot.width * 0.3;
      dispatch({ type: 'mouseMoved', x, y: centre.y, button: 'left', buttons: 1 });
    });
    await page.mouse.up();
  };
  await drag('folded: pan');
  movements['folded: zoom'] = await probe.during(zoom);
  if (!foldedAlone) {
    await page.keyboard.press('Shift+G');
    await page.waitForFunction(
      () => Number(document.querySelector<HTMLElement>('[data-row-count]')?.dataset.rowCount) > 999,
    );
    await page.waitForTimeout(1_500);
    await drag('unfolded: pan');
    movements['unfolded: zoom'] = await probe.during(zoom);
    movements['unfolded: scroll'] = await probe.during((at, dispatch) =>
      dispatch({ ...wheel, x: plot.x - 20, deltaY: at * STEP < (SECONDS * 1_000) / 2 ? 60 : -60 }),
    );
  }
  if (picture !== null) await page.screenshot({ path: picture });
  if (problems.length > 0) throw new Error(problems.join('\n'));
  await page.context().close();
  return { drawn, bytesDrawn, bytesSettled, movements, heap: probe.heap, resident: probe.resident };
}
