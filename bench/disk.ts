import { fixed, type Row, report } from './support/report.ts';
import { type SealedSize, sealedSize } from './support/sealed-size.ts';

export interface Options {
  readonly tasks: number;
}

/** What a recording takes on disk once it is sealed, by what its keys are. */
export async function main({ tasks }: Options): Promise<void> {
  const figures: (SealedSize & { readonly what: string })[] = [];
  for (const [what, hashed] of [
    ['keys that count', 0],
    ['half of each', 0.5],
    ['keys that are hashes', 1],
  ] as const) {
    figures.push({ what, ...(await sealedSize(tasks, hashed)) });
    console.log(JSON.stringify(figures.at(-1)));
  }
  const row = ({ what, parquet, events, sealing }: (typeof figures)[number]): Row => [
    what,
    fixed(parquet + events, 1),
    fixed(parquet, 1),
    fixed(events, 1),
    fixed(sealing, 1),
  ];
  report({
    name: 'disk',
    about: `A made history of ${tasks.toLocaleString('en')} tasks on 5,000 threads, recorded and sealed: bytes a task, without the index, which may be deleted.`,
    head: ['keys', 'bytes a task on disk', 'Parquet', 'events', 'computing of sealing, µs a task'],
    rows: figures.map(row),
    data: { tasks, figures },
  });
}
