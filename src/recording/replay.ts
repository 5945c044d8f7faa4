import path from 'node:path';
import type { FinishedColumns, GapEvent, SourceEvent, SourceSink, TickEvent } from '../model/source-event.ts';
import type { Seconds } from '../model/units.ts';
import { cutLinks, RowFilter } from './files/columns.ts';
import type { State } from './files/event-decoder.ts';
import { numberOf } from './files/format.ts';
import { KnownState } from './files/known-state.ts';
import type { RecordingReader } from './reader.ts';
import { sealedSummary } from './sealing/sealed-summary.ts';

/** A place in a recording, and what has to be known of all before it to go on from there. */
export interface ReplayPosition {
  /** The segment, and how many of its events lie before the place. */
  readonly number: number;
  readonly events: number;
  /** All so far, in as few events as there can be. */
  readonly known: readonly SourceEvent[];
  /** Finished tasks since something was missing. */
  readonly rows: number;
  /** Of the session before: until when finished tasks are known, and what was forgotten by its end. */
  readonly knownUntil: Seconds;
  readonly forgottenBefore: readonly (readonly [fn: number, tasks: number])[];
}

export interface ReplayOptions {
  readonly from?: ReplayPosition | undefined;
  /** Called at the end, with the place behind it. */
  readonly done?: (position: ReplayPosition) => void;
}

/**
 * What was said while a recording was made, as if one recorder had made all of it: where another one went on, counts go on too and
 * no task comes twice; what could not be read is a gap. How the recorder reached its cluster is left out.
 */
export async function* replay(
  reader: RecordingReader,
  intern: SourceSink['intern'],
  { from, done }: ReplayOptions = {},
): AsyncGenerator<SourceEvent> {
  const joiner = new Joiner(from);
  let known = from?.events ?? 0;
  for await (const reading of reader.read(intern, from?.number)) {
    if (reading.kind === 'state' && reading.state.session) known = 0;
    if (reading.kind === 'event' && known > 0) {
      known--;
      continue;
    }
    const events = reading.kind === 'event' ? joiner.event(reading.event) : joiner.state(reading.state, reading.whole);
    for (const event of events) {
      joiner.known.accept(event);
      yield event;
    }
  }
  const end = await lostAtEnd(reader, joiner.known.time);
  if (end !== null) yield end;
  done?.(joiner.position((reader.numbers.at(-1) ?? 0) + 1));
}

/** What the last segment holds behind damage: nothing comes after it that would show that something is missing. */
async function lostAtEnd(
  { directory, numbers, manifest, damages }: RecordingReader,
  time: Seconds,
): Promise<GapEvent | null> {
  const last = numbers.at(-1);
  // A torn end is where its writer died: behind it nothing was written.
  const lost = damages.some(({ file, torn }) => !torn && numberOf(path.basename(file)) === last);
  if (last === undefined || !lost) return null;
  const since = Math.max(time, manifest.since);
  const summary = await sealedSummary(directory, last);
  // Where nobody knows how long it went on, it is a moment that can be seen.
  const until = Math.max(since + 1, summary?.lastTick ?? 0);
  return { kind: 'gap', since, until, size: null, reason: 'unreadable' };
}

class Joiner {
  readonly known = new KnownState();
  /** Of the session before: what was forgotten by its end, and until when finished tasks are known. */
  readonly #forgottenBefore = new Map<number, number>();
  #knownUntil: Seconds = 0;
  #newSession = false;
  /** Finished tasks since something was missing: no dependency reaches further back. */
  #rows = 0;

  constructor(from?: ReplayPosition) {
    if (from === undefined) return;
    for (const event of from.known) this.known.accept(event);
    for (const [fn, tasks] of from.forgottenBefore) this.#forgottenBefore.set(fn, tasks);
    this.#knownUntil = from.knownUntil;
    this.#rows = from.rows;
  }

  position(number: number): ReplayPosition {
    const known = this.known.events();
    const forgottenBefore = [...this.#forgottenBefore];
    return { number, events: 0, known, rows: this.#rows, knownUntil: this.#knownUntil, forgottenBefore };
  }

  event(event: SourceEvent): SourceEvent[] {
    switch (event.kind) {
      case 'cluster': {
        const begins = this.#newSession;
        this.#newSession = false;
        return begins ? [event, ...this.#sessionBegins(event.time)] : [event];
      }
      case 'link':
        return [];
      case 'gap':
        return [event];
      case 'tick':
        return [this.#joined(event)];
    }
  }

  /** Where a file begins. `whole`: nothing is missing before it. */
  state({ session, events }: State, whole: boolean): SourceEvent[] {
    if (!whole || session) this.#rows = 0;
    if (session) {
      this.#newSession = this.known.time > 0;
      return [];
    }
    if (whole) return [];
    const rest = events.flatMap((event) => this.event(event));
    const tick = events.find((event) => event.kind === 'tick');
    const since = this.known.time;
    if (since === 0 || tick === undefined || tick.time <= since) return rest;
    const there = new Set(tick.workers?.added?.map(({ worker }) => worker));
    return [
      { kind: 'gap', since, until: tick.time, size: null, reason: 'unreadable' },
      leave(
        [...this.known.workers()].filter((worker) => !there.has(worker)),
        tick.time,
      ),
      ...rest,
    ];
  }

  /** Another process went on recording: what happened in between only the scheduler's own buffer knows. */
  #sessionBegins(time: Seconds): SourceEvent[] {
    const since = this.known.time;
    this.#knownUntil = since;
    for (const fn of this.known.functions()) this.#forgottenBefore.set(fn, this.known.forgotten(fn));
    const gone = leave([...this.known.workers()], since);
    return time > since ? [{ kind: 'gap', since, until: time, size: null, reason: 'disconnected' }, gone] : [gone];
  }

  #joined(event: TickEvent): TickEvent {
    const { functions } = event;
    const finished = event.finished && this.#linked(event.finished);
    const joined = finished === undefined ? event : { ...event, finished };
    if (this.#knownUntil === 0) return joined;
    return {
      ...joined,
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

  #linked(finished: FinishedColumns): FinishedColumns {
    const linked = cutLinks(finished, this.#rows);
    if (!finished.past) this.#rows += finished.length;
    return linked;
  }
}

/** Nothing runs any more, and these workers are gone. */
function leave(removed: readonly number[], time: Seconds): TickEvent {
  const running = { reset: true, started: [], ended: [] };
  return { kind: 'tick', time, running, ...(removed.length > 0 && { workers: { removed } }) };
}

/** Tasks of the scheduler's buffer that were recorded when they finished are left out. */
export function unknownYet(past: FinishedColumns, until: Seconds): FinishedColumns {
  let slice = 0;
  return new RowFilter().next(past, (row) => {
    let last = 0;
    for (const end = slice + past.startstops[row]!; slice < end; slice++) last = Math.max(last, past.stop[slice]!);
    return last > until;
  });
}
