import { launchBrowser } from '../test/support/browser.ts';
import { serveHistory } from './support/history-server.ts';
import { fixed, report } from './support/report.ts';
import { type Movement, probeStream, type StreamFigures } from './support/stream-probe.ts';

export interface Options {
  /** Of the larger of two histories; the smaller one has a tenth of it. */
  readonly tasks: number;
  /** 1: the larger one alone, and nothing but its folded rows; the figures are printed and not kept. */
  readonly folded: number;
}

const WORKERS = 625;
const THREADS = 8;

/** /tasks of a cluster with 5,000 threads, opened, panned, zoomed and scrolled in a real browser without a GPU. */
export async function main({ tasks, folded }: Options): Promise<void> {
  const figures = new Map<number, StreamFigures>();
  for (const size of folded === 1 ? [tasks] : [Math.round(tasks / 10), tasks]) {
    const server = await serveHistory({ tasks: size, workers: WORKERS, threads: THREADS });
    try {
      const browser = await launchBrowser();
      try {
        const url = new URL('/tasks', server.url).href;
        figures.set(size, await probeStream(browser, url, null, folded === 1));
        console.log(`${size} tasks: ${JSON.stringify(figures.get(size))}`);
      } finally {
        await browser.close();
      }
    } finally {
      await server.close();
    }
  }
  if (folded !== 1) publish(tasks, figures);
}

function publish(tasks: number, figures: ReadonlyMap<number, StreamFigures>): void {
  const all = [...figures.values()];
  const row = (title: string, digits: number, of: (figures: StreamFigures) => number): string[] => [
    title,
    ...all.map((each) => fixed(of(each), digits)),
  ];
  const moving = Object.keys(all[0]?.movements ?? {});
  report({
    name: 'timeline',
    about:
      `/tasks of ${WORKERS} workers with ${THREADS} threads each (a generated history, the real server and page), in headless Chromium without a ` +
      'GPU: opened with its rows folded by host, dragged and zoomed for four seconds each, then unfolded to all of its 5,000 rows, dragged, ' +
      'zoomed and scrolled. Server, browser and bench share the machine.',
    head: ['/tasks with 5,000 threads', ...[...figures.keys()].map((size) => `${size.toLocaleString('en')} tasks`)],
    rows: [
      row('navigation → drawn, s', 2, (f) => f.drawn / 1_000),
      row('bytes over the WebSocket until then, MB', 2, (f) => f.bytesDrawn / 1e6),
      ...moving.map((name) => [
        `${name}: frames/s (interval p95, main thread a frame, ms; MB)`,
        ...all.map(({ movements }) => textOf(movements[name])),
      ]),
      row('heap of the page, MB', 0, (f) => f.heap / 1e6),
      row('memory of its process, MB', 0, (f) => f.resident / 1e6),
    ],
    data: { tasks, figures: Object.fromEntries(figures) },
  });
}

function textOf(movement: Movement | undefined): string {
  if (movement === undefined) return '–';
  const { framesPerSecond, frameP95, busyPerFrame, bytes } = movement;
  return `${fixed(framesPerSecond, 0)} (${fixed(frameP95, 1)}, ${fixed(busyPerFrame, 1)}; ${fixed(bytes / 1e6, 2)})`;
}
