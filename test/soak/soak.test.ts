import { expect, test } from 'vitest';
import { soak } from './soak.ts';

/** Five with `npm test -- --slow`. */
const MINUTES = process.env.TASKGLASS_SLOW === '1' ? 5 : 1;
const MB = 1e6;

// An hour of it, with slopes: npm run bench -- soak.
test(`${MINUTES} min of 1,000 tasks a second, ten viewers, workers that come and go: counts are exact, nothing piles up`, async () => {
  const { finished, stored, missed, problems, samples } = await soak({ minutes: MINUTES });
  expect(finished).toBeGreaterThan(MINUTES * 60 * 100);
  expect({ stored, missed }).toEqual({ stored: finished, missed: 0 });
  expect(problems).toEqual([]);
  const third = samples.slice(Math.floor(samples.length / 3));
  const [warm, last] = [third[0]!, samples.at(-1)!];
  expect(last.agent).toBeLessThan(5 * MB);
  expect(last.page).toBeLessThan(30 * MB);
  // Its pages fill up to their budget first.
  expect(last.server - warm.server).toBeLessThan(60 * MB);
}, 900_000);
