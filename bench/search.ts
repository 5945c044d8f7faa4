import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import type { Steps } from '../src/base/steps.ts';
import { HistoryIndex } from '../src/server/history/history-index.ts';
import { historyMemory } from '../src/server/history/history-memory.ts';
import { textTest } from '../src/server/routes/text-test.ts';
import { functionsSteps, SEARCH_FIELDS, searchSteps, tasksPageSteps } from '../src/store/queries/queries.ts';
import { history } from './support/history-generator.ts';
import { fixed, type Row, report } from './support/report.ts';

export interface Options {
  /** Of the history that is searched. */
  readonly tasks: number;
}

interface Figures {
  readonly what: string;
  /** Milliseconds from the question to the answer, and of the longest time for which nothing else had its turn. */
  readonly time: number;
  readonly step: number;
  readonly found: number;
}

/** How long a search through all of history takes, and how long anything else waits for it. */
export async function main({ tasks }: Options): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'taskglass-bench-'));
  const index = new HistoryIndex({ memory: historyMemory(), logger: pino({ level: 'silent' }) });
  index.recordedIn(directory);
  const { store, pager } = index;
  for (const event of history(store, { tasks })) store.accept(event);
  const extent = store.slices.extent();
  if (extent === null) throw new Error('The history is empty');
  const search = (text: string, regex: boolean, counted = true) =>
    searchSteps(store, {
      test: textTest({ text, regex, capitals: 'smart' }),
      fields: SEARCH_FIELDS,
      order: 'oldest',
      limit: 50,
      counted,
      bins: counted ? 512 : 0,
    });
  const range = { since: extent.since / 1e6, until: extent.until / 1e6 };
  const figures = [
    measure('part of a key, all hits counted', () => search('00ff0', false)),
    measure('name of a function, all hits counted', () => search('merge', false)),
    measure('name of a function, first page', () => search('merge', false, false)),
    measure('text of an error, all hits counted', () => search('no such column', false)),
    measure('pattern `f.*00.*9$`, all hits counted', () => search('f.*00.*9$', true)),
    measure('pattern `(a+)+$`, all hits counted', () => search('(a+)+$', true)),
    measure('the 100 slowest tasks', () => tasksPageSteps(store, { order: 'slowest', limit: 100 })),
    measure('area: all rows, all of history', () => functionsSteps(store, { ...range, sort: 'total', limit: 100 })),
  ];
  const row = ({ found, step, time, what }: Figures): Row => [
    what,
    found.toLocaleString('en'),
    fixed(time, 0),
    fixed((time / tasks) * 1e6, 0),
    fixed(step, 0),
  ];
  report({
    name: 'search',
    about: `A made history of ${tasks.toLocaleString('en')} tasks on ${store.tracks.list.length.toLocaleString('en')} rows, searched on one core, beside nothing else; ${(pager.memory.bytes / 1e6).toFixed(0)} MB of it in memory, as a server has it where nobody says otherwise, and ${(pager.fileBytes / 1e6).toFixed(0)} MB in its file.`,
    head: ['what', 'found', 'ms', 'ns a task', 'longest step, ms'],
    rows: figures.map(row),
    data: { tasks, figures },
  });
  await index.close();
  rmSync(directory, { recursive: true, force: true });
}

/** The better of two runs: the first one also compiles. */
function measure(what: string, begin: () => Steps<{ readonly total: number | null }>): Figures {
  const runs = [once(begin()), once(begin())];
  const best = runs.reduce((a, b) => (b.time < a.time ? b : a));
  return { what, ...best };
}

function once(steps: Steps<{ readonly total: number | null }>): Omit<Figures, 'what'> {
  let step = 0;
  const began = performance.now();
  for (;;) {
    const from = performance.now();
    const { done, value } = steps.next();
    step = Math.max(step, performance.now() - from);
    if (done === true) return { time: performance.now() - began, step, found: value.total ?? 0 };
  }
}
