import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Summary } from '../summary.ts';
import { sealJournal } from './seal.ts';

/** Seals in a thread of its own: it takes seconds of computing. Under Vitest, where a thread cannot load TypeScript, it happens here. */
export async function sealInThread(directory: string, number: number): Promise<Summary | null> {
  if (import.meta.url.endsWith('.ts')) return sealJournal(directory, number);
  const worker = new Worker(new URL('./seal-main.js', import.meta.url), { workerData: { directory, number } });
  // A process that has nothing else to do need not wait for it: what is not sealed is sealed by the next one.
  worker.unref();
  const [summary] = (await once(worker, 'message')) as [Summary | null];
  return summary;
}
