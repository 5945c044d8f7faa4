import { build } from '../scripts/lib/build.mjs';
import { inRoot } from '../scripts/lib/run.mjs';
import { TASK_FORMATS, writeTaskRows } from '../src/recording/export/export.ts';
import { makeReport } from '../src/server/export/report.ts';
import { storeRows } from '../src/server/export/store-rows.ts';
import { readPageFiles } from '../src/serving/page-files.ts';
import { Store } from '../src/store/store.ts';
import { history } from './support/history-generator.ts';
import { fixed, type Row, report } from './support/report.ts';

export interface Options {
  readonly tasks: number;
  /** Of this many tasks, only the HTML file is made. */
  readonly large: number;
}

interface Figures {
  readonly what: string;
  readonly tasks: number;
  readonly seconds: number;
  readonly bytes: number;
  /** Tasks that are in it as sums alone. */
  readonly leftOut: number;
}

/** How long exports of a running server's history take, and how large they are. */
export async function main({ tasks, large }: Options): Promise<void> {
  await build();
  const { report: template } = await readPageFiles(inRoot('dist/page'));
  if (template === null) throw new Error('the page of reports was not built');
  const ordinary = storeOf(tasks, 0);
  const found: Figures[] = [];
  for (const format of TASK_FORMATS) {
    const began = performance.now();
    let bytes = 0;
    const written = await writeTaskRows(storeRows(ordinary, {}), format, async (part) => {
      bytes += Buffer.byteLength(part);
    });
    found.push({ what: format, tasks: written, seconds: (performance.now() - began) / 1000, bytes, leftOut: 0 });
  }
  found.push(await html('html', ordinary, template));
  found.push(await html('html, hashed keys', storeOf(tasks, 1), template));
  found.push(await html('html', storeOf(large, 0), template));
  const rows = found.map(({ what, tasks, seconds, bytes, leftOut }): Row => {
    const count = tasks + leftOut;
    return [
      what,
      count.toLocaleString('en-US'),
      leftOut.toLocaleString('en-US'),
      fixed(seconds, 1),
      fixed(bytes / 1e6, 2),
      fixed(bytes / count, 1),
    ];
  });
  report({
    name: 'export',
    about:
      'Exports of a history of 60 functions on 5,000 threads, with skewed durations, transfers, errors, dependencies and ordinary keys. HTML is the page with the data inside. The built-in dashboard’s `performance_report` of 100,000 tasks takes 41 MB.',
    head: ['format', 'tasks', 'as sums alone', 's', 'MB', 'bytes a task'],
    rows,
    data: found,
  });
}

function storeOf(tasks: number, hashed: number): Store {
  const store = new Store({ monotonic: () => 0 });
  for (const event of history(store, { tasks, hashed })) store.accept(event);
  return store;
}

async function html(what: string, store: Store, template: string): Promise<Figures> {
  const began = performance.now();
  const made = await makeReport(store, { selection: {}, template, server: 'bench', made: 0 });
  let bytes = 0;
  for await (const part of made.bytes) bytes += part.length;
  const { tasks, leftOut } = made;
  return { what, tasks, seconds: (performance.now() - began) / 1000, bytes, leftOut };
}
