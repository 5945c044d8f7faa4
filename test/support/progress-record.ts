import type { Page } from 'playwright-core';

/** Counts of one function, in the words of the API. */
export interface Counts {
  readonly total: number;
  readonly released: number;
  readonly memory: number;
  readonly erred: number;
  readonly processing: number;
  readonly queued: number;
  readonly noWorker: number;
  readonly waiting: number;
}

/** What the panel Progress showed at one sequence number: its title bar, and each bar by function. */
export interface Shown {
  readonly title: Omit<Counts, 'total'>;
  readonly bars: Readonly<Record<string, Counts>>;
}

/** Lets the page note what its panel Progress shows, each time that its state is another one. */
export async function recordProgress(page: Page): Promise<void> {
  await page.evaluate(() => {
    const read = (element: Element | null): Record<string, number> => {
      const data = element instanceof HTMLElement ? element.dataset : {};
      const names = ['total', 'released', 'memory', 'erred', 'processing', 'queued', 'noWorker', 'waiting'];
      return Object.fromEntries(names.filter((name) => name in data).map((name) => [name, Number(data[name])]));
    };
    const shell = document.querySelector<HTMLElement>('[data-seq]');
    const panel = document.querySelector('[aria-label="Progress"]');
    if (shell === null || panel === null) throw new Error('The page has no panel Progress.');
    const shown: Record<string, unknown> = {};
    Object.assign(globalThis, { shown });
    const note = (): void => {
      const bars = [...panel.querySelectorAll<HTMLElement>('[data-function]')];
      shown[shell.dataset.seq ?? ''] = {
        title: read(panel.querySelector('.numbers [data-waiting]')),
        bars: Object.fromEntries(bars.map((bar) => [bar.dataset.function, read(bar)])),
      };
    };
    new MutationObserver(note).observe(shell, { attributes: true, subtree: true, childList: true });
    note();
  });
}

/** By sequence number. */
export async function recordedProgress(page: Page): Promise<Readonly<Record<string, Shown>>> {
  return await page.evaluate(() => (globalThis as unknown as { shown: Record<string, Shown> }).shown);
}

/** What it shows now. The two are read in one step: the page may show the next state a moment later. */
export async function shownNow(page: Page): Promise<Shown> {
  const now = await page.evaluate(() => {
    const { shown } = globalThis as unknown as { shown: Record<string, Shown> };
    return shown[document.querySelector<HTMLElement>('[data-seq]')?.dataset.seq ?? ''];
  });
  if (now === undefined) throw new Error('The page did not note what it shows now.');
  return now;
}

/** The answer of `/api/v1/progress`. */
export interface ProgressAnswer {
  readonly seq: number;
  readonly totals: Readonly<Record<string, number>>;
  readonly functions: readonly {
    readonly name: string;
    readonly total: number;
    readonly released: number;
    readonly memory: number;
    readonly erred: number;
    readonly processing: number;
    readonly queued: number;
    readonly no_worker: number;
    readonly waiting: number;
  }[];
}

/** The same numbers as a page would show them. */
export function asShown(answer: ProgressAnswer): Shown {
  const { totals } = answer;
  const title = {
    released: totals.released ?? 0,
    memory: totals.memory ?? 0,
    erred: totals.erred ?? 0,
    processing: totals.processing ?? 0,
    queued: totals.queued ?? 0,
    noWorker: totals['no-worker'] ?? totals.no_worker ?? 0,
    waiting: totals.waiting ?? 0,
  };
  const bars = answer.functions
    .filter((row) => row.total > 0)
    .map(({ name, no_worker, total, released, memory, erred, processing, queued, waiting }) => [
      name,
      { total, released, memory, erred, processing, queued, noWorker: no_worker, waiting },
    ]);
  return { title, bars: Object.fromEntries(bars) };
}
