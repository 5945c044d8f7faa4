import path from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { SourceSink } from '../../src/model/source-event.ts';
import { startServer, type TaskglassServer } from '../../src/server/server.ts';
import type { Source } from '../../src/source/source.ts';
import { ROOT } from '../../test/support/project-files.ts';
import { type HistoryOptions, history } from './history-generator.ts';

/** Events that are accepted before others get a turn. */
const AT_ONCE = 20;

/** A source that tells a whole generated history at once, as fast as it is taken. */
class HistorySource implements Source {
  readonly #options: Partial<HistoryOptions>;
  /** Resolves when all of it has been told. */
  readonly told: Promise<void>;
  #tell: () => void = () => {};

  constructor(options: Partial<HistoryOptions>) {
    this.#options = options;
    this.told = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  async start(sink: SourceSink): Promise<void> {
    const events = history(sink, this.#options);
    // The first ones say which cluster it is: the server waits for them.
    for (let i = 0; i < 3; i++) accept(sink, events);
    void this.#go(sink, events);
  }

  async #go(sink: SourceSink, events: ReturnType<typeof history>): Promise<void> {
    for (let told = 0; accept(sink, events); told++) if (told % AT_ONCE === 0) await breathe();
    this.#tell();
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

function accept(sink: SourceSink, events: ReturnType<typeof history>): boolean {
  const { value, done } = events.next();
  if (done === true) return false;
  sink.accept(value);
  return true;
}

/** The real server with the real pages, whose store is filled with a generated history. */
export async function serveHistory(options: Partial<HistoryOptions>): Promise<TaskglassServer> {
  const source = new HistorySource(options);
  const server = await startServer({ source, port: 0, pageDir: path.join(ROOT, 'dist/page') });
  await source.told;
  return server;
}
