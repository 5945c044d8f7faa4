import { setImmediate } from 'node:timers/promises';
import type { Steps } from '../base/steps.ts';

/** Runs the steps of a query; between two of them everything else that waits has its turn. */
export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await setImmediate();
  }
}
