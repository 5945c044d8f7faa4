import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SourceEvent, SourceSink, StringTableName } from '../../model/source-event.ts';
import { type Step, stepArbitrary, tell } from '../../recording/random-history.fixture.ts';
import { Recorder, type RecorderOptions } from '../../recording/recorder.ts';
import { Scratch } from '../../recording/scratch.fixture.ts';
import { RecordingSource } from '../../source/recording.ts';
import { RunningCursor, resourcesSnapshot, type Shown, stateSnapshot, workersBatch } from '../../store/cursors.ts';
import { Store } from '../../store/store.ts';
import { Chain } from './chain.ts';
import { Keeper } from './keeper.ts';
import { Moment } from './moment.ts';

const BEGIN = 1_790_000_000;
const newStore = (): Store => new Store({ monotonic: () => 0 });

/** What a page is told, where it does not say how often things changed on the way. */
function shown(store: Shown): unknown {
  const state = stateSnapshot(store);
  const named = new Map(state.names?.values.map((name, fn) => [fn, name]));
  const counts = [...(state.counts?.fn ?? [])].map((fn, i) => [
    named.get(fn),
    [...state.counts!.states.subarray(i * 7, i * 7 + 7)],
    state.counts!.nbytes[i],
  ]);
  const running = new RunningCursor(store).next()!;
  return JSON.parse(
    JSON.stringify({
      counts: counts.filter(([, states, nbytes]) => nbytes !== 0 || (states as number[]).some((n) => n > 0)),
      // A row that has nobody on it is as good as one that is not there yet.
      tracks: (state.tracks ?? [])
        .filter((track) => track.alive)
        .map(({ name, slot, address }) => [name, slot, address])
        .sort(),
      runs: state.runs,
      gaps: state.gaps ?? [],
      totals: state.totals,
      cost: state.cost,
      follow: state.follow,
      running: running.keys.map((key, i) => [key, named.get(running.fn[i]!), running.start[i]]).sort(),
      workers: workersBatch(store)
        .workers.map(({ worker: _, ...view }) => view)
        .sort((a, b) => (a.address < b.address ? -1 : 1)),
      resources: [...resourcesSnapshot(store).samples],
    }),
  );
}

async function record(
  directory: string,
  steps: readonly Step[],
  options: Partial<RecorderOptions>,
): Promise<{ store: Store; events: SourceEvent[] }> {
  const store = newStore();
  const events: SourceEvent[] = [];
  const textOf = (table: StringTableName, index: number): string => store.strings[table].at(index);
  const recorder = new Recorder(store, textOf, { directoryOf: () => directory, keeper: new Keeper(), ...options });
  const sink: SourceSink = {
    intern: (table, value) => recorder.intern(table, value),
    accept: (event) => {
      events.push(event);
      recorder.accept(event);
    },
  };
  tell(sink, steps);
  await recorder.close();
  return { store, events };
}

async function replay(directory: string): Promise<Store> {
  const store = newStore();
  await using source = new RecordingSource(directory);
  await source.start(store);
  await source.finished;
  return store;
}

/** A store that was told what happened up to a time. */
function until({ store: live, events }: Awaited<ReturnType<typeof record>>, time: number): Store {
  const store = newStore();
  for (const table of ['function', 'group', 'worker', 'type'] as const) {
    for (const value of live.strings[table].valuesFrom(1)) store.intern(table, value);
  }
  for (const event of events) {
    const at = event.kind === 'gap' ? event.until : event.time;
    if (at > time) break;
    store.accept(event.kind === 'cluster' ? { ...event, engine: 'recording', mode: 'recording' } : event);
  }
  // Its clock goes on where nothing happens.
  store.now = time;
  return store;
}

describe('a moment is what a store knew then', () => {
  it.each<[string, Partial<RecorderOptions>]>([
    ['sealed at the end', {}],
    ['sealed in many segments', { limits: { tasks: 5 } }],
    ['never sealed', { seal: async () => null }],
    ['journals of many segments', { seal: async () => null, limits: { bytes: 3_000 } }],
  ])(
    '%s',
    async (_name, options) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(stepArbitrary, { minLength: 1, maxLength: 25 }),
          fc.array(fc.nat(28), { minLength: 1, maxLength: 6 }),
          async (steps, places) => {
            await using scratch = await Scratch.make();
            const live = await record(scratch.join('r'), steps, options);
            const history = await replay(scratch.join('r'));
            const chain = new Chain(() => [{ directory: scratch.join('r'), first: 1 }]);
            const moment = new Moment(history, chain);
            // Forwards, backwards, and from anywhere.
            for (const place of places) {
              const time = BEGIN + Math.min(place, steps.length) / 2;
              await moment.seek(time);
              expect(shown(moment.shown)).toEqual(shown(until(live, time)));
            }
          },
        ),
        { numRuns: 25 },
      );
    },
    120_000,
  );
});
