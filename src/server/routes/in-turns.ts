import { setImmediate } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import type { Steps } from '../../base/steps.ts';

/** Runs the steps of a query; between two of them everything else that waits has its turn. */
export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await setImmediate();
  }
}

/** The same for as long as whoever asked waits for the answer; undefined when nobody does any more. */
export async function inTurnsFor<T>({ raw }: FastifyRequest, steps: Steps<T>): Promise<T | undefined> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await setImmediate();
    if (!raw.socket.writable) return undefined;
  }
}
