import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SourceEvent, SourceSink, StringTableName } from '../../model/source-event.ts';
import { STATE_COUNT } from '../../model/task-state.ts';
import { type Step, stepArbitrary, tell, WAYS_TO_RECORD } from '../../recording/random-history.fixture.ts';
import { RecordingReader } from '../../recording/reader.ts';
import { Recorder, type RecorderOptions } from '../../recording/recorder.ts';
import { replay as replayEvents } from '../../recording/replay.ts';
import { Scratch } from '../../recording/scratch.fixture.ts';
import { RecordingSource } from '../../source/recording.ts';
import { attach, finishedOf, type Row } from '../../store/history.fixture.ts';
import {
  RunningCursor,
  resourcesSnapshot,
  type Shown,
  stateSnapshot,
  workersBatch,
} from '../../store/queries/cursors.ts';
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

/** Replays until then, as {@link RecordingSource} does, and stops. */
async function replayUntil(directory: string, time: number): Promise<Store> {
  const store = newStore();
  const reader = await RecordingReader.open(directory);
  for await (const event of replayEvents(reader, (table, value) => store.intern(table, value))) {
    if ((event.kind === 'gap' ? event.until : event.time) > time) break;
    store.accept(event.kind === 'cluster' ? { ...event, engine: 'recording', mode: 'recording' } : event);
  }
  store.now = time;
  return store;
}

describe('a moment is what a store knew then', () => {
  it.each(WAYS_TO_RECORD)(
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
        { numRuns: 25, interruptAfterTimeLimit: 60_000 },
      );
    },
    120_000,
  );

  it('with two recorders, one after the other', async () => {
    const tasks = (known: number, from: number): Row[] =>
      Array.from({ length: known }, (_, i) => {
        const start = BEGIN + from + i / 4;
        const fn = i % 3 === 0 ? 'inc' : 'dec';
        return {
          key: `${fn}-${from}-${i}`,
          fn,
          worker: 'tcp://10.0.0.1:4001',
          thread: 1,
          compute: [start, start + 0.2],
        };
      });
    const counts = (sink: SourceSink, memory: number, forgotten: number) => {
      const states = new Uint32Array(STATE_COUNT);
      states[4] = memory;
      const fn = Uint32Array.of(sink.intern('function', 'inc'));
      return { fn, states, forgotten: Float64Array.of(forgotten), nbytes: Float64Array.of(1) };
    };
    await using scratch = await Scratch.make();
    const directory = scratch.join('r');
    const watch = async (begin: number, past: readonly Row[]): Promise<void> => {
      const store = newStore();
      const textOf = (table: StringTableName, index: number): string => store.strings[table].at(index);
      const options = { directoryOf: () => directory, keeper: new Keeper(), limits: { tasks: 4 } };
      const recorder = new Recorder(store, textOf, options);
      const said = BEGIN + begin;
      attach(recorder, 'Scheduler-1', said);
      // A source says the counts of all functions first.
      const first = past.length > 0 && { finished: finishedOf(recorder, past, true) };
      recorder.accept({ kind: 'tick', time: said, ...first, functions: counts(recorder, 0, 0) });
      for (let i = 0; i < 8; i++) {
        const time = said + 1 + i / 2;
        const finished = finishedOf(recorder, tasks(2, begin + i / 2));
        recorder.accept({ kind: 'tick', time, finished, functions: counts(recorder, i, 2 * i) });
      }
      await recorder.close();
    };
    await watch(0, []);
    // The second one finds the first one's tasks in the scheduler's buffer, and two that nobody saw.
    await watch(30, [...Array.from({ length: 8 }, (_, i) => tasks(2, i / 2)).flat(), ...tasks(2, 20)]);
    const history = await replay(directory);
    const moment = new Moment(history, new Chain(() => [{ directory, first: 1 }]));
    const told = (store: Shown): unknown => ({ ...(shown(store) as object), gaps: [] });
    for (const at of [2, 40, 31.2, 5, 33, 36, 30, 32.5]) {
      await moment.seek(BEGIN + at);
      expect(told(moment.shown), `at ${at}`).toEqual(told(await replayUntil(directory, BEGIN + at)));
    }
  });
});
