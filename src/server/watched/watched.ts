import type { Logger } from 'pino';
import { ENGINE_VERSION as VERSION } from '../../engine/version.ts';
import type { RecordOptions } from '../../model/record-options.ts';
import type { SourceEvent, SourceSink } from '../../model/source-event.ts';
import { RecordingSource } from '../../source/recording.ts';
import type { ActionAccess, DebugAccess, Source } from '../../source/source.ts';
import type { PageMemory } from '../../store/paging/page-memory.ts';
import type { Store } from '../../store/store.ts';
import { HistoryIndex, type IndexLimits } from '../history/history-index.ts';
import { type Recording, startRecording } from '../history/recording.ts';
import { Moments } from '../moments/moments.ts';
import type { ApiContext } from '../routes/api.ts';
import { ExampleRunner } from './example-runner.ts';
import { Publisher, type PublisherLimits } from './publisher.ts';

export interface WatchedOptions {
  readonly source: Source;
  /** Runs the example computation and resolves when it is done; offered to pages where given. */
  readonly openExample?: (() => Promise<void>) | undefined;
  /** Write down what is watched. Default: not. */
  readonly record?: RecordOptions | null | undefined;
  /** The recording that the source reads, where it reads one. */
  readonly directory?: string | undefined;
  /** What all histories of this process share. */
  readonly memory: PageMemory;
  readonly limits?: Partial<PublisherLimits & IndexLimits> | undefined;
  readonly logger: Logger;
}

/**
 * One thing that is watched: its source, the store that it fills, the publisher that tells the pages. A server has one at its root,
 * and others below: further clusters, and recordings that somebody opened.
 */
export class Watched implements ApiContext {
  readonly store: Store;
  readonly publisher: Publisher;
  readonly debug: DebugAccess | undefined;
  readonly actions: ActionAccess | undefined;
  readonly example: ExampleRunner | null;
  readonly recording: Recording | null;
  readonly #source: Source;
  readonly #index: HistoryIndex;
  readonly #sink: SourceSink;
  readonly #directory: string | null;
  #closing: Promise<void> | null = null;

  constructor({ source, openExample, record, directory, memory, limits, logger }: WatchedOptions) {
    this.#source = source;
    this.#directory = directory ?? null;
    this.debug = source.debug;
    this.actions = source.actions;
    const index = new HistoryIndex({ memory, logger, limits });
    this.#index = index;
    this.store = index.store;
    if (source instanceof RecordingSource) source.resumeBy(index);
    this.store.onChange((event) => logCluster(event, logger));
    this.example =
      openExample === undefined
        ? null
        : new ExampleRunner(openExample, (error) => {
            // Closing ends what runs; that is no failure.
            if (this.#closing === null) logger.error({ err: error }, 'the example failed');
          });
    const recording = record ? startRecording(index, record, logger) : null;
    this.recording = recording;
    this.#sink = recording?.recorder ?? this.store;
    this.publisher = new Publisher(this.store, {
      version: VERSION,
      example: this.example !== null,
      ...(recording && { recording: recording.view }),
      cut: () => index.cut,
      moments: new Moments(this.store, () => recording?.parts ?? (directory ? [{ directory, first: 1 }] : [])),
      ...(limits && { limits }),
    });
  }

  /** The folder of the recording that is shown, or that is being written of what is shown; null where there is none. */
  get directory(): string | null {
    return this.#directory ?? this.recording?.recorder.status.directory ?? null;
  }

  /** Returns when the source is attached; throws what it throws. */
  start(options: { readonly wait: boolean }): Promise<void> {
    return this.#source.start(this.#sink, options);
  }

  /** Idempotent. Rejects with what went wrong, after everything was closed. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.publisher.close();
      await this.#source.close();
      await this.recording?.close();
      await this.#index.close();
    })();
    return this.#closing;
  }
}

/** What happened to the cluster, for those who read logs; a failure of our own agent or files is what they should see. */
function logCluster(event: SourceEvent, logger: Logger): void {
  if (event.kind !== 'tick') return;
  for (const { topic, text } of event.log ?? [])
    logger[topic === 'agent' || topic === 'recording' ? 'warn' : 'info']({ topic }, text);
}
