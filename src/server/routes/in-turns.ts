import type { FastifyRequest } from 'fastify';
import type { Steps } from '../../base/steps.ts';

const waiting: (() => void)[] = [];

/** One step of one query in each round of the event loop: however many ask, everybody else has their turn after a single one. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(serve);
  });
}

function serve(): void {
  const [next] = waiting;
  // What it does now runs before the next round; it comes to the end of the line.
  if (waiting.length > 1) setImmediate(serve);
  waiting.shift();
  next?.();
}

/** Runs the steps of a query; between two of them everything else that waits has its turn. */
export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await turn();
  }
}

/** The same for as long as whoever asked waits for the answer; undefined when nobody does any more. */
export async function inTurnsFor<T>({ raw }: FastifyRequest, steps: Steps<T>): Promise<T | undefined> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await turn();
    if (!raw.socket.writable) return undefined;
  }
}
