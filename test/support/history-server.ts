import { serveHistory } from '../../bench/support/history-server.ts';

/** Serves a made history of so many tasks of 120 workers with two threads each in a process of its own, and prints where. */
export async function main(tasks: number): Promise<void> {
  const { url } = await serveHistory({ tasks, workers: 120, threads: 2 });
  process.stdout.write(`serves ${tasks} tasks at ${url}\n`);
}
