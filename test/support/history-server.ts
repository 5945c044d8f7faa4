import { history } from '../../bench/support/history-generator.ts';
import { inRoot } from '../../scripts/lib/run.mjs';
import { startServer } from '../../src/server/server.ts';
import type { Source } from '../../src/source/source.ts';

/** Serves a made history of so many tasks of a cluster of 120 workers with two threads each, and prints where. */
export async function main(tasks: number): Promise<void> {
  const source: Source = {
    start: async (sink) => {
      for (const event of history(sink, { tasks, workers: 120, threads: 2 })) sink.accept(event);
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  const server = await startServer({ source, port: 0, pageDir: inRoot('dist/page') });
  process.stdout.write(`serves ${tasks} tasks at ${server.url}\n`);
}
