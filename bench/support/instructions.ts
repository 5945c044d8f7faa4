import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether `perf` is here and may count: on Linux where its package is installed and the kernel lets us. */
export const COUNTS_INSTRUCTIONS = spawnSync('perf', ['stat', '-e', 'instructions:u', 'true']).status === 0;

/** Runs something, and counts the instructions in user mode that all threads of a process spent on it; NaN without `perf`. */
export async function instructionsOf<T>(pid: number, run: () => Promise<T>): Promise<{ value: T; count: number }> {
  if (!COUNTS_INSTRUCTIONS) return { value: await run(), count: Number.NaN };
  const perf = spawn('perf', ['stat', '-x,', '-e', 'instructions:u', '-p', String(pid)], {
    stdio: ['ignore', 2, 'pipe'],
  });
  let output = '';
  perf.stderr!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = once(perf, 'close');
  try {
    // It does not say when it began.
    await sleep(200);
    const value = await run();
    perf.kill('SIGINT');
    await ended;
    return { value, count: Number.parseFloat(output) };
  } finally {
    perf.kill();
  }
}
