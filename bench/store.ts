import { once } from 'node:events';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { build } from '../scripts/lib/build.mjs';
import { KnownState } from '../src/recording/files/known-state.ts';
import { Recorder } from '../src/recording/recorder.ts';
import { type CheckpointCost, HistoryIndex } from '../src/server/history/history-index.ts';
import { historyMemory } from '../src/server/history/history-memory.ts';
import { WindowCursor } from '../src/store/queries/cursors.ts';
import type { Store } from '../src/store/store.ts';
import { planWindow } from '../src/view/timeline/moving/window-plan.ts';
import { decode } from '../src/wire/decode.ts';
import { encode } from '../src/wire/encode.ts';
import { WIRE_VERSION } from '../src/wire/message.ts';
import { Child } from '../test/support/child.ts';
import { freePort } from '../test/support/ports.ts';
import { Taskglass } from '../test/support/taskglass.ts';
import { history } from './support/history-generator.ts';
import { fixed, type Row, report } from './support/report.ts';
import { residentAtMost } from './support/resident.ts';
import { generator, quantile } from './support/stats.ts';

export interface Options {
  /** The largest history; those a tenth and a hundredth as long are measured before it. */
  readonly tasks: number;
  readonly queries: number;
}

interface Figures {
  readonly tasks: number;
  readonly tracks: number;
  /** Tasks per second of the store's own time. */
  readonly ingest: number;
  /** The slowest 1 % of ticks begin here, ms. */
  readonly tickP99: number;
  /** Bytes a task. */
  readonly bytes: Readonly<Record<'keys' | 'columns' | 'slices' | 'levels', number>>;
  /** Heap and array buffers of the process beyond what it began with, bytes. */
  readonly memory: number;
  /** Resident memory of the process beyond what it began with, at its highest, bytes. */
  readonly peak: number;
  /** Pages that were read back while the history was fed, and during all queries. */
  readonly pageIns: readonly [number, number];
  readonly checkpoint: CheckpointCost;
  /** Bytes of the index on disk. */
  readonly disk: number;
  /** From the start of `taskglass open` to the first answer of a window of some rows, ms. */
  readonly open: number;
  /** Resident memory of that process at its highest, after it has also searched all of history, bytes. */
  readonly resident: number;
  /** A view of some rows. */
  readonly view: QueryFigures;
  /** The whole height of the cluster. */
  readonly all: QueryFigures;
}

interface QueryFigures {
  readonly p50: number;
  readonly p95: number;
  /** The longest time for which nothing else had its turn, ms. */
  readonly step: number;
  readonly kilobytes: number;
}

/** What a screen has room for. */
const PIXELS = 1_400;
const ROWS = 120;
/** Rows of the store that a session goes through in one step. */
const STEP_ROWS = 40_000;
/** Ticks that are made before they are fed, so that making them is not measured. */
const BATCH = 100;

/** The store alone, on one core: how fast it takes a history in, what it needs for it, how fast it answers random windows. */
export async function main({ tasks, queries }: Options): Promise<void> {
  const sizes = [tasks / 100, tasks / 10, tasks].filter((size) => size >= 100_000);
  const figures: Figures[] = [];
  for (const size of sizes) {
    figures.push(await measure(size, queries));
    console.log(JSON.stringify(figures.at(-1)));
  }
  publish({ tasks, queries }, figures);
}

async function measure(tasks: number, queries: number): Promise<Figures> {
  await build();
  const directory = await mkdtemp(path.join(tmpdir(), 'taskglass-bench-'));
  try {
    const before = memory();
    const resident = process.memoryUsage.rss();
    let peak = resident;
    const watch = (): void => {
      peak = Math.max(peak, process.memoryUsage.rss());
    };
    const index = new HistoryIndex({ memory: historyMemory(), logger: pino({ level: 'silent' }) });
    const { store, pager } = index;
    index.recordedIn(directory);
    const { spent, ticks, known } = feed(store, tasks, watch);
    const used = memory() - before;
    const fed = pager.loads;
    await beginRecording(directory, known);
    const position = { number: 2, events: 0, known: known.events(), rows: 0, knownUntil: 0, forgottenBefore: [] };
    // Again, as it is while a history goes on: only what changed is written.
    const checkpoint = await index.checkpoint(store.cluster!, position, [1], true);
    if (checkpoint === null) throw new Error('There was no checkpoint');
    const asked = { view: ask(store, queries, ROWS, watch), all: ask(store, Math.ceil(queries / 4), Infinity, watch) };
    const { keys, columns } = store.records.bytes;
    const { slices, levels } = store.slices.bytes;
    const extent = store.slices.extent()!;
    const tracks = store.tracks.list.length;
    const pageIns = [fed, pager.loads - fed] as const;
    await index.close();
    const folder = path.join(directory, 'index');
    return {
      tasks,
      tracks,
      ingest: tasks / (spent / 1000),
      tickP99: quantile(ticks, 0.99),
      bytes: { keys: keys / tasks, columns: columns / tasks, slices: slices / tasks, levels: levels / tasks },
      memory: used,
      peak: peak - resident,
      pageIns,
      checkpoint,
      disk: readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0),
      ...(await timeToOpen(directory, extent)),
      ...asked,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The head of a recording, whose one segment says what cluster it was: what finished there is in the index. */
async function beginRecording(directory: string, known: KnownState): Promise<void> {
  const sink = { intern: () => 1, accept: () => {} };
  const recorder = new Recorder(sink, () => 'x', { directoryOf: () => directory });
  recorder.accept(known.cluster!);
  await recorder.close();
}

/** `taskglass open`, asked for the last tenth of some rows: until the answer, ms; and its memory once all keys were searched, too. */
async function timeToOpen(
  directory: string,
  { since, until }: { since: number; until: number },
): Promise<Pick<Figures, 'open' | 'resident'>> {
  const port = String(await freePort());
  const began = performance.now();
  const args = ['dist/cli.js', 'open', directory, '--no-browser', '--port', port];
  await using taskglass = await Taskglass.serving(new Child(process.execPath, args));
  const socket = new WebSocket(`${taskglass.origin.replace('http', 'ws')}/api/v1/live`, { origin: taskglass.origin });
  socket.binaryType = 'arraybuffer';
  const answered = new Promise<void>((resolve) => {
    socket.on('message', (data: ArrayBuffer) => {
      if (decode(new Uint8Array(data)).kind === 'window') resolve();
    });
  });
  await once(socket, 'open');
  const looking = { since: until - (until - since) / 10, until, now: until, functions: null };
  const query = planWindow(null, { ...looking, perPixel: (until - looking.since) / PIXELS });
  const tracks = Array.from({ length: ROWS }, (_, track) => track);
  socket.send(JSON.stringify({ kind: 'hello', version: WIRE_VERSION }));
  socket.send(JSON.stringify({ kind: 'window', id: 1, query: { ...query, tracks } }));
  await answered;
  const open = performance.now() - began;
  socket.close();
  await taskglass.api('search?q=00ff0&count=1&limit=1');
  return { open, resident: residentAtMost(taskglass.child.pid) };
}

/** Feeds a history; what the store itself took, in all and by tick, ms. */
function feed(store: Store, tasks: number, watch: () => void): { spent: number; ticks: number[]; known: KnownState } {
  const events = history(store, { tasks });
  const ticks: number[] = [];
  const known = new KnownState();
  for (let done = false; !done; ) {
    const batch = [];
    while (batch.length < BATCH && !done) {
      const next = events.next();
      if (next.done === true) done = true;
      else batch.push(next.value);
    }
    for (const event of batch) {
      const began = performance.now();
      store.accept(event);
      ticks.push(performance.now() - began);
      known.accept(event);
    }
    watch();
  }
  return { spent: ticks.reduce((a, b) => a + b, 0), ticks, known };
}

/** Random windows as the page asks for them: anywhere in the history, from a second wide to all of it, `rows` rows from anywhere on. */
function ask(store: Store, queries: number, atMost: number, watch: () => void): QueryFigures {
  const rows = Math.min(atMost, store.tracks.list.length);
  const extent = store.slices.extent();
  if (extent === null) throw new Error('The history is empty');
  const draw = generator(rows);
  const times: number[] = [];
  const bytes: number[] = [];
  let longest = 0;
  for (let i = 0; i < queries; i++) {
    const all = extent.until - extent.since;
    const wide = 1e6 * (all / 1e6) ** draw();
    const since = extent.since + draw() * (all - wide);
    const looking = { since, until: since + wide, perPixel: wide / PIXELS, now: extent.until, functions: null };
    const first = Math.floor(draw() * Math.max(0, store.tracks.list.length - rows));
    const tracks = Array.from({ length: rows }, (_, row) => first + row);
    const cursor = new WindowCursor(store, planWindow(null, looking, { tracks: { shown: tracks, ask: () => tracks } }));
    let time = 0;
    for (let done = false; !done; ) {
      const began = performance.now();
      const batch = cursor.step(STEP_ROWS);
      if (batch !== null) bytes.push(encode({ kind: 'window', id: 1, batch }).byteLength);
      const step = performance.now() - began;
      done = batch !== null;
      time += step;
      longest = Math.max(longest, step);
    }
    times.push(time);
    watch();
  }
  const kilobytes = quantile(bytes, 0.95) / 1000;
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95), step: longest, kilobytes };
}

const collect = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

function memory(): number {
  // Memory of arrays is given back a collection later.
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function publish(options: Options, figures: readonly Figures[]): void {
  const row = (title: string, digits: number, of: (figures: Figures) => number): Row => [
    title,
    ...figures.map((one) => fixed(of(one), digits)),
  ];
  const total = ({ bytes }: Figures): number => bytes.keys + bytes.columns + bytes.slices + bytes.levels;
  const views: readonly (readonly [string, 'view' | 'all'])[] = [
    [`${ROWS} rows in view`, 'view'],
    ['all rows', 'all'],
  ];
  report({
    name: 'store',
    about:
      `The store alone, on one core: made histories of ${figures[0]?.tracks} tracks with skewed durations, transfers, disk and errors; ${options.queries} random ` +
      `windows as the page asks for them (from a second to the whole history, ${PIXELS} pixels wide), encoded for the wire, and a quarter as many of all rows.`,
    head: ['tasks', ...figures.map((one) => one.tasks.toLocaleString('en'))],
    rows: [
      row('ingest, thousand tasks/s', 0, (f) => f.ingest / 1000),
      row('tick of 0.1 s, p99, ms', 1, (f) => f.tickP99),
      row('bytes a task', 0, total),
      row('… of these levels of detail', 0, (f) => f.bytes.levels),
      row('memory, MB', 0, (f) => f.memory / 1e6),
      row('… resident beyond what it began with, at its highest, with the generator, MB', 0, (f) => f.peak / 1e6),
      row('pages read back while it was fed', 0, (f) => f.pageIns[0]),
      row('… during all queries', 0, (f) => f.pageIns[1]),
      row('checkpoint of all of it, s', 1, (f) => f.checkpoint.ms / 1000),
      row('… longest step, ms', 1, (f) => f.checkpoint.step),
      row('… bytes a task of its index, a cache', 0, (f) => f.disk / f.tasks),
      row('`taskglass open` to its first answer, s', 2, (f) => f.open / 1000),
      row('… resident at its highest, after a search of all, MB', 0, (f) => f.resident / 1e6),
      ...views.flatMap(([title, name]) => [
        row(`${title}: query p50, ms`, 1, (f) => f[name].p50),
        row('… p95, ms', 1, (f) => f[name].p95),
        row('… longest step, ms', 1, (f) => f[name].step),
        row('… p95 of an answer, kB', 0, (f) => f[name].kilobytes),
      ]),
    ],
    data: { options, figures },
  });
}
