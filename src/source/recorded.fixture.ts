import type { SourceEvent, SourceSink } from '../model/source-event.ts';
import { Tables } from '../recording/export/tables.ts';
import { Recorder } from '../recording/recorder.ts';
import { Scratch } from '../recording/scratch.fixture.ts';
import { RecordingSource } from './recording.ts';
import type { Source } from './source.ts';

const AGAIN_MS = 50;

/**
 * What a source says, told by its recording alone: it is recorded, and the recording is replayed again and again while it grows; each
 * time only what is new in it goes on.
 */
export class RecordedSource implements Source {
  readonly #inner: Source;
  #recorder: Recorder | null = null;
  #scratch: Scratch | null = null;
  #following: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(inner: Source) {
    this.#inner = inner;
  }

  async start(sink: SourceSink): Promise<void> {
    const scratch = await Scratch.make();
    const directory = scratch.join('recording');
    const tables = new Tables();
    this.#scratch = scratch;
    this.#recorder = new Recorder({ intern: tables.intern, accept: () => {} }, tables.textOf, {
      directoryOf: () => directory,
      limits: { tasks: 50 },
    });
    await this.#inner.start(this.#recorder);
    // Written in the turn after the one in which it was said.
    while (this.#recorder.status.state === 'waiting') await new Promise((resolve) => setImmediate(resolve));
    let told = await tell(directory, sink, 0);
    this.#following = (async () => {
      while (!this.#closed) {
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
        if (!this.#closed) told = await tell(directory, sink, told);
      }
    })();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#following;
    await this.#inner.close();
    await this.#recorder?.close();
    await this.#scratch?.[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Replays it and passes on all but the first `told` events; the link at its end is passed on once. */
async function tell(directory: string, sink: SourceSink, told: number): Promise<number> {
  const events: SourceEvent[] = [];
  await using source = new RecordingSource(directory);
  await source.start({
    intern: (table, value) => sink.intern(table, value),
    accept: (event) => events.push(event),
  });
  await source.finished;
  const end = events.pop()!;
  // A journal that is being written may end within a block; the line in the log that says so is not part of it.
  const last = events.at(-1);
  if (last?.kind === 'tick' && last.log?.[0]?.topic === 'recording') events.pop();
  for (const event of events.slice(told)) sink.accept(event);
  if (told === 0) sink.accept(end);
  return events.length;
}
