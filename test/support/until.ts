import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks `probe` until it answers with something truthy, and returns that. After `within` milliseconds it throws and says
 * what was waited for; what the probe threw last is the cause.
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  { within = 20_000, every = 25 }: { within?: number; every?: number } = {},
): Promise<NonNullable<Exclude<T, false | 0 | ''>>> {
  const deadline = performance.now() + within;
  let cause: unknown;
  do {
    try {
      const answer = await probe();
      if (answer) return answer as NonNullable<Exclude<T, false | 0 | ''>>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await sleep(every);
  } while (performance.now() < deadline);
  throw new Error(`Waited ${within} ms in vain: ${what}`, { cause });
}
