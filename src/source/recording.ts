import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FinishedColumns, SourceEvent, SourceSink, TickEvent } from '../model/source-event.ts';
import type { Seconds } from '../model/units.ts';
import type { Damage } from '../recording/blocks.ts';
import { keepRows } from '../recording/columns.ts';
import type { State } from '../recording/event-decoder.ts';
import { KnownState } from '../recording/known-state.ts';
import { RecordingReader } from '../recording/reader.ts';
import type { Source } from './source.ts';

/** Reading lets others have their turn after so long. */
const TURN_MS = 20;

/**
 * A recording, seen as a source: says from its beginning to its end what was said while it was made, as fast as it is taken, and
 * then stays connected at its last moment. What is damaged becomes a gap and a line in the log.
 */
export class RecordingSource implements Source {
  readonly #file: string;
  readonly #known = new KnownState();
  #reading: Promise<void> = Promise.resolve();
  #closed = false;
  #sink: SourceSink | null = null;
  /** Since the last session of a recorder began: what was forgotten before, and until when finished tasks are known. */
  #forgottenBefore = new Map<number, number>();
  #knownUntil: Seconds = 0;
  #newSession = false;

  /** `file`: the folder of a recording, or any file in it. */
  constructor(file: string) {
    this.#file = file;
  }

  /** @throws NOT_A_RECORDING, RECORDING_VERSION */
  async start(sink: SourceSink): Promise<void> {
    const reader = await RecordingReader.open(this.#file);
    this.#sink = sink;
    const { engine: _, since, ...manifest } = reader.manifest;
    const cluster = { kind: 'cluster', ...manifest, time: since, engine: 'recording', services: {} } as const;
    this.#accept({ ...cluster, mode: 'recording' });
    this.#accept({ kind: 'link', state: 'connecting', time: since, reason: 'reading the recording' });
    this.#reading = this.#read(reader);
    // Who waits for the end sees the failure there.
    this.#reading.catch(() => {});
  }

  /** Resolves when everything was said. */
  get finished(): Promise<void> {
    return this.#reading;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#reading.catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #read(reader: RecordingReader): Promise<void> {
    const sink = this.#sink!;
    let turn = performance.now();
    let reported = 0;
    try {
      for await (const reading of reader.read((table, value) => sink.intern(table, value))) {
        if (this.#closed) return;
        if (reading.kind === 'event') this.#event(reading.event);
        else this.#state(reading.state, reading.whole);
        if (performance.now() - turn < TURN_MS) continue;
        await nextTurn();
        turn = performance.now();
      }
      for (; reported < reader.damages.length; reported++) this.#damaged(reader.damages[reported]!);
      this.#accept({ kind: 'link', state: 'connected', time: this.#time(reader), reason: '' });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#accept({ kind: 'link', state: 'lost', time: this.#time(reader), reason });
    }
  }

  #time(reader: RecordingReader): Seconds {
    return this.#known.time || reader.manifest.since;
  }

  #event(event: SourceEvent): void {
    switch (event.kind) {
      case 'cluster':
        this.#accept({ ...event, engine: 'recording', mode: 'recording' });
        if (this.#newSession) this.#beginSession(event.time);
        break;
      case 'link':
        // How the recorder reached its cluster; we have reached all there is.
        break;
      case 'gap':
        this.#accept(event);
        break;
      case 'tick':
        this.#accept(this.#counted(event));
        break;
    }
  }

  /** Where a file begins. */
  #state({ session, events }: State, whole: boolean): void {
    if (session) {
      this.#newSession = this.#known.time > 0;
      return;
    }
    if (whole) return;
    const tick = events.find((event) => event.kind === 'tick');
    const since = this.#known.time;
    if (since > 0 && tick !== undefined && tick.time > since) {
      this.#accept({ kind: 'gap', since, until: tick.time, size: null, reason: 'unreadable' });
      const there = new Set(tick.workers?.added?.map(({ worker }) => worker));
      this.#leave(
        [...this.#known.workers()].filter((worker) => !there.has(worker)),
        tick.time,
      );
    }
    for (const event of events) this.#event(event);
  }

  /** Another process went on recording the same cluster: nobody knows what happened in between but the scheduler's own buffer. */
  #beginSession(time: Seconds): void {
    this.#newSession = false;
    const since = this.#known.time;
    this.#knownUntil = since;
    for (const fn of this.#known.functions()) this.#forgottenBefore.set(fn, this.#known.forgotten(fn));
    if (time > since) this.#accept({ kind: 'gap', since, until: time, size: null, reason: 'disconnected' });
    this.#leave([...this.#known.workers()], since);
  }

  #leave(removed: readonly number[], time: Seconds): void {
    const running = { reset: true, started: [], ended: [] };
    this.#accept({ kind: 'tick', time, running, ...(removed.length > 0 && { workers: { removed } }) });
  }

  /** Counts and tasks of a later session, as if there had been one only. */
  #counted(event: TickEvent): TickEvent {
    const { functions, finished } = event;
    if (this.#knownUntil === 0) return event;
    return {
      ...event,
      ...(functions && {
        functions: {
          ...functions,
          forgotten: functions.forgotten.map(
            (forgotten, i) => forgotten + (this.#forgottenBefore.get(functions.fn[i]!) ?? 0),
          ),
        },
      }),
      ...(finished?.past && { finished: unknownYet(finished, this.#knownUntil) }),
    };
  }

  #damaged({ file, offset, what, torn }: Damage): void {
    const text = torn ? `${file} ends at byte ${offset}: ${what}` : `${file} is damaged at byte ${offset}: ${what}`;
    const time = this.#known.time;
    if (time > 0) this.#accept({ kind: 'tick', time, log: [{ time, topic: 'recording', text }] });
  }

  #accept(event: SourceEvent): void {
    if (this.#closed) return;
    this.#known.accept(event);
    this.#sink!.accept(event);
  }
}

/** Tasks of the scheduler's buffer that an earlier session had recorded already are left out. */
function unknownYet(past: FinishedColumns, until: Seconds): FinishedColumns {
  let slice = 0;
  return keepRows(past, (row) => {
    let last = 0;
    for (const end = slice + past.startstops[row]!; slice < end; slice++) last = Math.max(last, past.stop[slice]!);
    return last > until;
  });
}
