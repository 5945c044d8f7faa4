import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A worker takes no new tasks from here on, as a share of its memory limit. Dask's default. */
const PAUSE_AT = 0.8;
const EVERY_MS = 200;

/** Watches this process's memory and says when it pauses and goes on. @param limit bytes; 0 = never pauses */
export function watchMemory(limit: number, changed: (status: 'running' | 'paused') => void): void {
  if (limit <= 0) return;
  let paused = false;
  let collected = 0;
  setInterval(() => {
    let over = process.memoryUsage.rss() > limit * PAUSE_AT;
    // Results that were dropped are only freed by a collection, and an idle process makes none by itself.
    if (over && Date.now() - collected > 1000) {
      collectGarbage();
      collected = Date.now();
      over = process.memoryUsage.rss() > limit * PAUSE_AT;
    }
    if (over !== paused) {
      paused = over;
      changed(paused ? 'paused' : 'running');
    }
  }, EVERY_MS);
}

let collect: (() => void) | undefined;

function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
