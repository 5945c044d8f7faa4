import { cp } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StringTableName } from '../model/source-event.ts';
import { type Step, stepArbitrary, tell, WAYS_TO_RECORD } from '../recording/random-history.fixture.ts';
import { Recorder, type RecorderOptions } from '../recording/recorder.ts';
import { Scratch } from '../recording/scratch.fixture.ts';
import { contents } from '../store/contents.fixture.ts';
import { tasksPage } from '../store/queries/queries.ts';
import { Store } from '../store/store.ts';
import { RecordingSource } from './recording.ts';

const newStore = (): Store => new Store({ monotonic: () => 0 });

async function record(directory: string, say: (recorder: Recorder) => void, options: Partial<RecorderOptions> = {}) {
  const store = newStore();
  const textOf = (table: StringTableName, index: number): string => store.strings[table].at(index);
  const recorder = new Recorder(store, textOf, { directoryOf: () => directory, ...options });
  say(recorder);
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
