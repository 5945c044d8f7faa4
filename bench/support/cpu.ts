import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Child } from '../../test/support/child.ts';

/** Seconds of CPU that all threads of a process have had, to the nanosecond: ticks of a hundredth are too coarse for this. */
export function cpuOf({ pid }: Child): number {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder).reduce((sum, thread) => {
    const [ran = '0'] = readFileSync(path.join(folder, thread, 'schedstat'), 'utf8').split(' ');
    return sum + Number(ran) / 1e9;
  }, 0);
}

/** The same with threads that have ended, to the hundredth of a second: for long times. */
export function cpuWithEnded({ pid }: Child): number {
  // After the name, which may hold anything, fields 3 and up; user and system time are the 14th and the 15th.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
