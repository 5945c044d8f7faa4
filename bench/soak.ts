import { soak } from '../test/soak/soak.ts';
import { fixed, report } from './support/report.ts';

export interface Options {
  readonly minutes: number;
}

const BUDGET = 50e6;

/** What piles up in an hour of 1,000 finished tasks a second with ten viewers while workers come and go. */
export async function main({ minutes }: Options): Promise<void> {
  const result = await soak({ minutes, say: console.log });
  const { finished, stored, missed, samples, slopes } = result;
  const [first, last] = [samples[0]!, samples.at(-1)!];
  report({
    name: 'soak',
    about: `${minutes} minutes, ${finished} tasks of which ${stored} are stored and ${missed} in gaps. Slopes: the upper end of their 95 % interval, without the first 30 %. The server's process took ${fixed(Math.max(...samples.map(({ resident }) => resident)) / 1e6, 0)} MB of the machine at its highest, ${fixed(last.resident / 1e6, 0)} in the end.`,
    head: ['memory held', 'at first, MB', 'in the end, MB', `slope, MB a day (at most ${BUDGET / 1e6})`],
    rows: (['server', 'agent', 'page'] as const).map((part) => [
      part,
      fixed(first[part] / 1e6, 1),
      fixed(last[part] / 1e6, 1),
      fixed(slopes[part] / 1e6, 1),
    ]),
    data: result,
  });
}
