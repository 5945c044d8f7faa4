import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FinishedColumns, SourceEvent, SourceSink, TickEvent } from '../src/model/source-event.ts';
import { STATE_COUNT, STATE_INDEX } from '../src/model/task-state.ts';
import { eventsFile, tasksFile } from '../src/recording/files/format.ts';
import { Recorder } from '../src/recording/recorder.ts';
import { sealJournal } from '../src/recording/sealing/seal.ts';
import { Chain } from '../src/server/moments/chain.ts';
import { Keeper } from '../src/server/moments/keeper.ts';
import { Moment } from '../src/server/moments/moment.ts';
import { Store } from '../src/store/store.ts';
import { history } from './support/history-generator.ts';
import { fixed, report } from './support/report.ts';
import { generator, quantile } from './support/stats.ts';

export interface Options {
  readonly tasks: number;
  readonly seeks: number;
}

/** What a source says besides of a tick: what began to run, counts, readings of the workers each half second. */
class Narrator {
  readonly #sink: SourceSink;
  readonly #counts = new Map<number, number>();
  #ticks = 0;

  constructor(sink: SourceSink) {
    this.#sink = sink;
  }

  tell(event: SourceEvent): void {
    if (event.kind !== 'tick' || event.finished === undefined) {
      this.#sink.accept(event);
      return;
    }
    const { time, finished } = event;
    // All of them were seen to run half a tick before.
    this.#sink.accept({ kind: 'tick', time: time - 0.05, running: this.#running(finished, time) });
    const samples = this.#ticks++ % 5 === 0 ? this.#samples(finished, time) : undefined;
    const tick: TickEvent = { kind: 'tick', time, finished, functions: this.#functions(finished) };
    this.#sink.accept(samples === undefined ? tick : { ...tick, workers: { samples } });
  }

  #running({ keys, fn, worker }: FinishedColumns, time: number) {
    const started = keys.map((key, i) => ({ key, fn: fn[i]!, worker: worker[i]!, start: time - 0.1 }));
    return { reset: false, started, ended: [] };
  }

  #functions({ fn }: FinishedColumns) {
    for (const index of fn) this.#counts.set(index, (this.#counts.get(index) ?? 0) + 1);
    const changed = [...new Set(fn)];
    const states = new Uint32Array(changed.length * STATE_COUNT);
    changed.forEach((index, i) => {
      states[i * STATE_COUNT + STATE_INDEX.memory] = this.#counts.get(index)!;
    });
    const zeros = new Float64Array(changed.length);
    return { fn: Uint32Array.from(changed), states, forgotten: zeros, nbytes: zeros };
  }

  #samples({ worker }: FinishedColumns, lastSeen: number) {
    const counts = { processing: 8, inMemory: 100, executing: 8, occupancy: 1, nbytes: 1e6 };
    return [...new Set(worker)].map((index) => {
      const memory = { process: 3e8, managed: 1e8, unmanagedOld: 5e7, unmanagedRecent: 1e7, spilled: 0 };
      const traffic = { networkRead: 1e6, networkWrite: 2e6, diskRead: 0, diskWrite: 0 };
      const metrics = { lastSeen, cpu: 90, ...memory, ...traffic, fds: 9, eventLoopInterval: 0.02, latency: 0.001 };
      return { worker: index, counts, metrics };
    });
  }
}

/** How long it takes to go to a moment of a recording, and for how long others wait for their turn meanwhile. */
export async function main({ tasks, seeks }: Options): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'taskglass-bench-'));
  try {
    const store = new Store({ monotonic: () => 0 });
    const textOf = (table: keyof Store['strings'], index: number): string => store.strings[table].at(index);
    // The last file stays a journal, as in a cluster that goes on.
    let sealed = 0;
    const recorder = new Recorder(store, textOf, {
      directoryOf: () => directory,
      keeper: new Keeper(),
      seal: async (folder, number) => {
        if (number > Math.floor(tasks / 131_072)) return null;
        sealed++;
        return sealJournal(folder, number);
      },
    });
    const narrator = new Narrator(recorder);
    for (const event of history(recorder, { tasks, workers: 128, threads: 8, mean: 0.5 })) {
      narrator.tell(event);
      // It is written in the turn after.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await recorder.close();
    const chain = new Chain(() => [{ directory, first: 1 }]);
    const began = performance.now();
    const segments = await chain.segments();
    const heads = performance.now() - began;
    const draw = generator(1);
    const rows = [];
    for (const [title, from, to] of [
      ['sealed', segments[0]!.time, segments[sealed]?.time ?? store.now],
      ['journal', segments[sealed]?.time ?? segments[0]!.time, store.now],
    ] as const) {
      const times: number[] = [];
      const again: number[] = [];
      const cpu: number[] = [];
      let longest = 0;
      for (let i = 0; i < seeks; i++) {
        const moment = new Moment(store, chain);
        const time = from + (to - from) * draw();
        let turn = performance.now();
        let waiting = true;
        const watch = (): void => {
          longest = Math.max(longest, performance.now() - turn);
          turn = performance.now();
          if (waiting) setImmediate(watch);
        };
        setImmediate(watch);
        const start = performance.now();
        const spent = process.cpuUsage();
        await moment.seek(time);
        times.push(performance.now() - start);
        const { user, system } = process.cpuUsage(spent);
        cpu.push((user + system) / 1000);
        // Elsewhere in the same segment, as one does who drags the playhead.
        const back = performance.now();
        await moment.seek(from + (to - from) * draw());
        again.push(performance.now() - back);
        waiting = false;
        chain.rest();
        await new Promise((resolve) => setImmediate(resolve));
      }
      rows.push({
        title,
        p50: quantile(times, 0.5),
        p95: quantile(times, 0.95),
        cpu: quantile(cpu, 0.5),
        again: quantile(again, 0.5),
        again95: quantile(again, 0.95),
        longest,
      });
    }
    const bytes = (file: string): number => statSync(file).size / 131_072;
    const perTask = sealed > 0 ? [bytes(tasksFile(directory, 1)), bytes(eventsFile(directory, 1))] : [];
    report({
      name: 'playhead',
      about:
        `Seeks to random moments of a recording of ${tasks.toLocaleString('en')} tasks on 128 workers with 8 threads, ${segments.length} segments of 131,072 tasks, the last one ` +
        `a journal; each from nothing. Heads of all segments were read in ${fixed(heads, 0)} ms before. Per task ${perTask.map((n) => fixed(n, 1)).join(' + ')} bytes (tasks + events).`,
      head: [
        'segment',
        'p50, ms',
        'p95, ms',
        'of CPU, p50, ms',
        'then elsewhere in it: p50, ms',
        'p95, ms',
        'longest turn, ms',
      ],
      rows: rows.map(({ title, ...figures }) => [
        title,
        ...[figures.p50, figures.p95, figures.cpu, figures.again, figures.again95, figures.longest].map((ms) =>
          fixed(ms, 0),
        ),
      ]),
      data: { tasks, seeks, rows, heads, perTask },
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
