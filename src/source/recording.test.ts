import { cp } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { STRING_TABLES, type StringTableName } from '../model/source-event.ts';
import { type Step, stepArbitrary, tell, WAYS_TO_RECORD } from '../recording/random-history.fixture.ts';
import { Recorder, type RecorderOptions } from '../recording/recorder.ts';
import { Scratch } from '../recording/scratch.fixture.ts';
import { contents } from '../store/contents.fixture.ts';
import { tasksPage } from '../store/queries/queries.ts';
import { Store } from '../store/store.ts';
import { RecordingSource } from './recording.ts';

const newStore = (): Store => new Store({ monotonic: () => 0 });

async function record(directory: string, say: (recorder: Recorder) => unknown, options: Partial<RecorderOptions> = {}) {
  const store = newStore();
  const textOf = (table: StringTableName, index: number): string => store.strings[table].at(index);
  const recorder = new Recorder(store, textOf, { directoryOf: () => directory, ...options });
  await say(recorder);
  await recorder.close();
  expect(recorder.status).toMatchObject({ state: 'recording', reason: '' });
  return store;
}

async function replay(directory: string): Promise<Store> {
  const store = newStore();
  await using source = new RecordingSource(directory);
  await source.start(store);
  await source.finished;
  expect(store.link).toMatchObject({ state: 'connected', reason: '' });
  return store;
}

describe('a recording replayed gives the same store as the live run', () => {
  it.each(WAYS_TO_RECORD)(
    '%s',
    async (_name, options) => {
      await fc.assert(
        fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 25 }), async (steps: Step[]) => {
          await using scratch = await Scratch.make();
          const live = await record(scratch.join('r'), (recorder) => tell(recorder, steps), options);
          const replayed = await replay(scratch.join('r'));
          expect(contents(replayed)).toEqual(contents(live));
          expect(replayed.cluster).toMatchObject({ engine: 'recording', mode: 'recording', id: 'Scheduler-1' });
        }),
        { numRuns: 20 },
      );
    },
    120_000,
  );
});

it.each(WAYS_TO_RECORD)(
  'functions are replayed in the order in which they were first named, %s',
  async (_, options) => {
    const finished = (fn: string): Step => {
      const row = { key: `${fn}-1`, fn, worker: 'tcp://10.0.0.1:4001', thread: 1, start: 1e6, took: 5e5 } as const;
      const rest = { transfer: undefined, erred: false, wait: undefined, back: [], unknown: 0 };
      return { step: 'finished', past: false, rows: [{ ...row, ...rest }] };
    };
    const counted: Step = { step: 'counts', fn: 'π → sum', states: [1, 2, 3, 4, 5, 6, 7], forgotten: 0 };
    await using scratch = await Scratch.make();
    // One file of tasks holds those before and behind what names a function otherwise.
    const say = async (recorder: Recorder): Promise<void> => {
      for (const [turn, step] of [finished('read-parquet'), counted, finished('inc')].entries()) {
        tell(recorder, [step], 'Scheduler-1', 1_790_000_000 + turn);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const live = await record(scratch.join('r'), say, options);
    const replayed = await replay(scratch.join('r'));
    expect(live.strings.function.valuesFrom(1)).toEqual(['read-parquet', 'π → sum', 'inc']);
    for (const table of STRING_TABLES) {
      expect(replayed.strings[table].valuesFrom(0), table).toEqual(live.strings[table].valuesFrom(0));
    }
  },
);

/** Written before recordings said what tasks waited for: a sealed segment and two journals, tasks 1 to 8 and one from before. */
const EARLIER = fileURLToPath(new URL('../../test/recording/format-1', import.meta.url));

it('a recording of an earlier make opens, without what it did not say, and can be gone on with', async () => {
  await using scratch = await Scratch.make();
  const directory = scratch.join('r');
  await cp(EARLIER, directory, { recursive: true });
  const before = await replay(directory);
  const tasks = tasksPage(before, { limit: 100 }).tasks;
  expect(tasks.map(({ key }) => key)).toEqual(Array.from({ length: 9 }, (_, i) => `('inc-5a', ${i})`));
  expect(tasks[3]).toMatchObject({
    status: 'erred',
    ready: null,
    startstops: [{ action: 'transfer' }, { action: 'compute' }],
  });
  // What it left unsealed is sealed by whoever records that cluster next.
  await record(directory, (recorder) => tell(recorder, [], 'Scheduler-format-1', 1_790_000_100));
  expect(tasksPage(await replay(directory), { limit: 100 }).tasks).toEqual(tasks);
});
