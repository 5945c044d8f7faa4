import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SourceEvent, SourceSink } from '../model/source-event.ts';
import type { Seconds } from '../model/units.ts';
import type { Damage } from '../recording/files/blocks.ts';
import { RecordingReader } from '../recording/reader.ts';
import { type ReplayPosition, replay } from '../recording/replay.ts';
import type { Source } from './source.ts';

interface Resumed extends ReplayPosition {
  /** Of the last thing that was taken up. */
  readonly time: Seconds;
}

/** Somebody who has taken up what such a source said before, and need not be told again. */
export interface Resume {
  /** Before anything is said. Null: all of it is to be said. */
  take(reader: RecordingReader): Promise<Resumed | null>;
  /** After all was said. */
  said(reader: RecordingReader, position: ReplayPosition): void;
}

/** Reading lets others have their turn after so long. */
const TURN_MS = 20;

/**
 * A recording, seen as a source: says from its beginning to its end what was said while it was made, as fast as it is taken, and
 * then stays connected at its last moment. What is damaged becomes a gap and a line in the log.
 */
export class RecordingSource implements Source {
  readonly #file: string;
  #reading: Promise<void> = Promise.resolve();
  #closed = false;
  #resume: Resume | null = null;
  #time: Seconds = 0;
  #damages: readonly Damage[] = [];

  /** `file`: the folder of a recording, or any file in it. */
  constructor(file: string) {
    this.#file = file;
  }

  /** To be called before it starts. */
  resumeBy(resume: Resume): void {
    this.#resume = resume;
  }

  /** @throws NOT_A_RECORDING, RECORDING_VERSION */
  async start(sink: SourceSink): Promise<void> {
    const reader = await RecordingReader.open(this.#file);
    const { since, ...manifest } = reader.manifest;
    const from = (await this.#resume?.take(reader)) ?? null;
    const known = from?.known.find((event) => event.kind === 'cluster') ?? { ...manifest, services: {} };
    this.#time = from?.time ?? since;
    sink.accept({ ...known, kind: 'cluster', time: this.#time, engine: 'recording', mode: 'recording' });
    sink.accept({ kind: 'link', state: 'connecting', time: this.#time, reason: 'reading the recording' });
    this.#damages = reader.damages;
    this.#reading = this.#read(reader, sink, from);
  }

  /** Resolves when everything was said. */
  get finished(): Promise<void> {
    return this.#reading;
  }

  /** What could not be read so far. */
  get damages(): readonly Damage[] {
    return this.#damages;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#reading;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #read(reader: RecordingReader, sink: SourceSink, from: ReplayPosition | null): Promise<void> {
    let position: ReplayPosition | null = null;
    const done = (place: ReplayPosition): void => {
      position = place;
    };
    let turn = performance.now();
    let end: { readonly state: 'connected' | 'lost'; readonly reason: string } = { state: 'connected', reason: '' };
    try {
      for await (const event of replay(reader, (table, value) => sink.intern(table, value), {
        from: from ?? undefined,
        done,
      })) {
        if (this.#closed) return;
        sink.accept(this.#said(event));
        if (performance.now() - turn < TURN_MS) continue;
        await nextTurn();
        turn = performance.now();
      }
    } catch (error) {
      // A file that cannot be opened or read at all.
      end = { state: 'lost', reason: error instanceof Error ? error.message : String(error) };
    }
    if (this.#closed) return;
    const log = reader.damages.map((damage) => ({ time: this.#time, topic: 'recording', text: textOf(damage) }));
    if (log.length > 0) sink.accept({ kind: 'tick', time: this.#time, log });
    sink.accept({ kind: 'link', ...end, time: this.#time });
    if (position !== null) this.#resume?.said(reader, position);
  }

  #said(event: SourceEvent): SourceEvent {
    if (event.kind === 'tick') this.#time = event.time;
    return event.kind === 'cluster' ? { ...event, engine: 'recording', mode: 'recording' } : event;
  }
}

function textOf({ file, offset, what, torn }: Damage): string {
  return torn ? `${file} ends early, at byte ${offset}: ${what}` : `${file} is damaged at byte ${offset}: ${what}`;
}
