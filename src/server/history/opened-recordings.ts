import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { TaskglassError } from '../../base/errors.ts';
import type { RecordingIndex } from '../../recording/overview.ts';
import { RecordingSource } from '../../source/recording.ts';
import type { PageMemory } from '../../store/paging/page-memory.ts';
import type { PublisherLimits } from '../watched/publisher.ts';
import { Watched } from '../watched/watched.ts';

export interface OpenedLimits {
  /** Recordings that are open at a time: each is held in memory. */
  readonly recordings: number;
  /** One that nobody used for so long is closed. */
  readonly recordingIdleMs: number;
}

const LIMITS: OpenedLimits = { recordings: 4, recordingIdleMs: 5 * 60_000 };

interface Opened {
  readonly watched: Watched;
  readonly source: RecordingSource;
  isRead: boolean;
  readonly ready: Promise<void>;
  /** When it was last asked for, ms of performance.now(). */
  usedAt: number;
}

/** Recordings that somebody looks at: each is opened at the first request for it and closed when nobody has used it for a while. */
export class OpenedRecordings {
  readonly #index: RecordingIndex;
  readonly #logger: Logger;
  readonly #publisher: Partial<PublisherLimits> | undefined;
  readonly #limits: OpenedLimits;
  readonly #memory: PageMemory;
  readonly #opened = new Map<string, Opened>();
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(
    index: RecordingIndex,
    memory: PageMemory,
    logger: Logger,
    limits: Partial<OpenedLimits & PublisherLimits> | undefined,
  ) {
    this.#memory = memory;
    this.#index = index;
    this.#logger = logger;
    this.#publisher = limits;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Those that are open now. */
  get ids(): string[] {
    return [...this.#opened.keys()];
  }

  /**
   * Opens it where it is not open yet, and waits at most `patienceMs` until it was read to its end.
   *
   * @throws NOT_FOUND, NOT_A_RECORDING, RECORDING_VERSION, TOO_MANY_RECORDINGS
   */
  async of(id: string, patienceMs = 0): Promise<Watched> {
    const opened = this.#opened.get(id) ?? this.#open(id);
    opened.usedAt = performance.now();
    await opened.ready;
    if (patienceMs > 0 && !opened.isRead) {
      const late = new AbortController();
      await Promise.race([opened.source.finished, sleep(patienceMs, null, { signal: late.signal }).catch(() => {})]);
      late.abort();
    }
    return opened.watched;
  }

  /** Its pages are told that it is gone. Nothing happens where it is not open. */
  async close(id: string): Promise<void> {
    const opened = this.#opened.get(id);
    if (opened === undefined) return;
    this.#opened.delete(id);
    if (this.#opened.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
    try {
      await opened.watched.close();
    } catch (error) {
      this.#logger.error({ err: error, id }, 'a recording could not be closed');
    }
  }

  async closeAll(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.ids.map((id) => this.close(id)));
  }

  #open(id: string): Opened {
    const directory = this.#index.directoryOf(id);
    if (this.#closed) throw new TaskglassError('NOT_FOUND', 'the server is closing');
    this.#makeRoom();
    const source = new RecordingSource(directory);
    const watched = new Watched({
      source,
      directory,
      memory: this.#memory,
      limits: this.#publisher,
      logger: this.#logger,
    });
    const opened = { watched, source, ready: watched.start({ wait: false }), isRead: false, usedAt: 0 };
    this.#opened.set(id, opened);
    opened.ready
      .then(() => source.finished)
      .then(
        () => {
          opened.isRead = true;
        },
        () => this.close(id),
      );
    this.#timer ??= setInterval(() => this.#closeIdle(), Math.min(30_000, this.#limits.recordingIdleMs)).unref();
    return opened;
  }

  /** The one that was used longest ago goes, unless somebody looks at it. */
  #makeRoom(): void {
    if (this.#opened.size < this.#limits.recordings) return;
    const unseen = [...this.#opened].filter(([, { watched }]) => watched.publisher.viewers === 0);
    const [oldest] = unseen.sort(([, a], [, b]) => a.usedAt - b.usedAt);
    if (oldest === undefined) throw new TaskglassError('TOO_MANY_RECORDINGS', `${this.#opened.size} are looked at`);
    void this.close(oldest[0]);
  }

  #closeIdle(): void {
    const now = performance.now();
    for (const [id, opened] of [...this.#opened]) {
      if (opened.watched.publisher.viewers > 0) opened.usedAt = now;
      else if (now - opened.usedAt >= this.#limits.recordingIdleMs) void this.close(id);
    }
  }
}
