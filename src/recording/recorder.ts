import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { TaskglassError } from '../base/errors.ts';
import type { KnownBefore } from '../model/known-before.ts';
import type { ClusterEvent, SourceEvent, SourceSink, StringTableName } from '../model/source-event.ts';
import type { Tables } from './export/tables.ts';
import { EventEncoder } from './files/event-encoder.ts';
import {
  EVENTS,
  JOURNAL,
  journalFile,
  MANIFEST,
  type Manifest,
  manifestOf,
  manifestText,
  numberOf,
  parseManifest,
} from './files/format.ts';
import { type CreateFile, Journal } from './files/journal.ts';
import { KnownState } from './files/known-state.ts';
import { lockRecording } from './files/lock.ts';
import { readSmallSync } from './regular-file.ts';
import type { ReplayPosition } from './replay.ts';
import { sealJournal } from './sealing/seal.ts';
import type { Summary } from './summary.ts';

export interface RecorderStatus {
  /** `stopped`: something failed and nothing is written any more, see `reason`. */
  readonly state: 'waiting' | 'recording' | 'stopped';
  readonly reason: string;
  /** Of the recording that is being written, or was last. */
  readonly directory: string | null;
  /** The number of its first segment that this recorder wrote. */
  readonly first: number;
}

export interface RecorderOptions {
  /** Where a cluster is recorded; the same for the same cluster. Throws a coded error where it cannot be. */
  readonly directoryOf: (manifest: Manifest) => string;
  readonly seal?: (directory: string, number: number) => Promise<Summary | null>;
  readonly changed?: (status: RecorderStatus) => void;
  /** Called when a segment is over and all that the sink has accepted is written: a good moment for a checkpoint. */
  readonly rested?: () => void;
  /** Called after each segment that was sealed. */
  readonly sealed?: (directory: string) => void;
  readonly limits?: Partial<SegmentLimits>;
  readonly create?: CreateFile;
  /** Keeps what a file's head says of the time before it. Default: heads do not say it. */
  readonly keeper?: BeforeKeeper;
}

/** Told of each event as it is written. */
export interface BeforeKeeper {
  accept(event: SourceEvent): void;
  before(): KnownBefore;
}

/** A journal is sealed when it has reached one of these. */
export interface SegmentLimits {
  readonly tasks: number;
  readonly bytes: number;
  /** Only with tasks in it. */
  readonly ms: number;
}

const LIMITS: SegmentLimits = { tasks: 131_072, bytes: 48 * 1024 * 1024, ms: 15 * 60_000 };

/** One recording that is being written. */
interface Current {
  readonly directory: string;
  readonly id: string;
  readonly lock: Disposable;
  journal: Journal;
  encoder: EventEncoder;
  number: number;
  tasks: number;
  since: number;
}

/** `table`: a string that has just been interned. */
type Entry = SourceEvent | { readonly kind: 'string'; readonly table: StringTableName; readonly index: number };

/**
 * A sink before another one: what a source says goes on at once, and is written down right after, once the present turn of the event
 * loop is over. What cannot be written ends the recording, never the live view.
 */
export class Recorder implements SourceSink {
  readonly #sink: SourceSink;
  readonly #textOf: Tables['textOf'];
  readonly #options: RecorderOptions;
  readonly #limits: SegmentLimits;
  readonly #known = new KnownState();
  readonly #seen: Record<StringTableName, number> = { function: 0, group: 0, worker: 0, type: 0 };
  #status: RecorderStatus = { state: 'waiting', reason: '', directory: null, first: 1 };
  #entries: Entry[] = [];
  #woken: NodeJS.Immediate | null = null;
  #current: Current | null = null;
  /** Where it stands in the recording that it writes, or wrote last. */
  #number = 0;
  #events = 0;
  #begun = 0;
  #rotated = false;
  /** Finished tasks that were written as they finished. */
  #rows = 0;
  /** Seals one after another. */
  #sealing: Promise<void> = Promise.resolve();
  #closed = false;

  /** `textOf` gives the strings of `sink`. */
  constructor(sink: SourceSink, textOf: Tables['textOf'], options: RecorderOptions) {
    this.#sink = sink;
    this.#textOf = textOf;
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
  }

  get status(): RecorderStatus {
    return this.#status;
  }

  intern(table: StringTableName, value: string): number {
    const index = this.#sink.intern(table, value);
    if (index > this.#seen[table]) {
      this.#seen[table] = index;
      this.#add({ kind: 'string', table, index });
    }
    return index;
  }

  accept(event: SourceEvent): void {
    this.#sink.accept(event);
    this.#add(event);
  }

  /**
   * Where a replay of its recording goes on, for whoever has all that the sink has accepted. Null where that is not the recording's
   * history, all of it and nothing else, or where something waits to be written.
   */
  get position(): ReplayPosition | null {
    const { state, first } = this.#status;
    if (state !== 'recording' || first !== 1 || this.#begun !== 1 || this.#entries.length > 0) return null;
    const known = this.#known.events();
    return { number: this.#number, events: this.#events, known, rows: this.#rows, knownUntil: 0, forgottenBefore: [] };
  }

  /** Writes what is left and seals it. Resolves when all is done; an interrupted one is made up for later. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#flush();
      this.#closed = true;
      if (this.#woken !== null) clearImmediate(this.#woken);
      this.#end();
    }
    await this.#sealing;
  }

  #add(entry: Entry): void {
    if (this.#closed || this.#status.state === 'stopped') return;
    this.#entries.push(entry);
    this.#woken ??= setImmediate(() => {
      this.#woken = null;
      this.#flush();
    });
  }

  #flush(): void {
    const entries = this.#entries;
    this.#entries = [];
    try {
      for (const entry of entries) {
        if (this.#status.state === 'stopped') return;
        if (entry.kind === 'string') this.#current?.encoder.announce(entry.table, entry.index);
        else this.#write(entry);
      }
      if (this.#rotated) this.#options.rested?.();
    } catch (error) {
      this.#fail(error);
    }
    this.#rotated = false;
  }

  #write(event: SourceEvent): void {
    if (event.kind === 'cluster' && event.id !== this.#current?.id) {
      this.#end();
      this.#begin(event);
    }
    this.#known.accept(event);
    this.#options.keeper?.accept(event);
    const current = this.#current;
    if (current === null) return;
    current.journal.append(current.encoder.encode(event));
    this.#events++;
    if (event.kind !== 'tick') return;
    if (event.finished?.past === false) this.#rows += event.finished.length;
    current.tasks += event.finished?.length ?? 0;
    const { tasks, bytes, ms } = this.#limits;
    const old = current.tasks > 0 && performance.now() - current.since >= ms;
    if (current.tasks >= tasks || current.journal.size >= bytes || old) this.#rotate(current);
  }

  #begin(event: ClusterEvent): void {
    const manifest = manifestOf(event);
    const directory = this.#options.directoryOf(manifest);
    mkdirSync(path.join(directory, JOURNAL), { recursive: true });
    const lock = lockRecording(directory);
    if (lock === null) throw new TaskglassError('RECORDING_BUSY', directory);
    try {
      const numbers = segmentNumbers(directory);
      const file = path.join(directory, MANIFEST);
      // Without it nothing that is synced later could be read.
      if (!existsSync(file)) writeFileSync(file, manifestText(manifest), { flag: 'wx', flush: true });
      else if (parseManifest(readSmallSync(file), file).id !== event.id) {
        throw new TaskglassError('RECORDING_FAILED', `${directory} holds the recording of another cluster`);
      }
      const number = (numbers.at(-1) ?? 0) + 1;
      const current = { directory, id: event.id, lock, number, tasks: 0, since: performance.now() };
      this.#current = { ...current, ...this.#open(directory, number) };
      this.#current.journal.append(this.#current.encoder.encodeState([], true));
      this.#number = number;
      this.#events = 0;
      this.#begun++;
      this.#setStatus({ state: 'recording', reason: '', directory, first: number });
      // What a process before us left unsealed.
      for (const left of numbers) if (existsSync(journalFile(directory, left))) this.#seal(directory, left);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  #rotate(current: Current): void {
    this.#finish(current);
    current.number++;
    this.#rotated = true;
    Object.assign(current, this.#open(current.directory, current.number));
    current.tasks = 0;
    current.since = performance.now();
    current.journal.append(current.encoder.encodeState(this.#known.events(), false, this.#options.keeper?.before()));
  }

  #open(directory: string, number: number): { journal: Journal; encoder: EventEncoder } {
    const fail = (error: unknown): void => this.#fail(error);
    const journal = new Journal(journalFile(directory, number), fail, this.#options.create);
    const encoder = new EventEncoder(this.#textOf);
    for (let fn = 1; fn <= this.#seen.function; fn++) encoder.announce('function', fn);
    return { journal, encoder };
  }

  /** The recording that is being written is over. */
  #end(): void {
    const current = this.#current;
    if (current === null) return;
    this.#current = null;
    this.#finish(current);
    this.#sealing = this.#sealing.then(() => current.lock[Symbol.dispose]());
  }

  #finish({ directory, number, journal }: Current): void {
    this.#number = number + 1;
    this.#events = 0;
    const finished = journal.finish();
    this.#sealing = this.#sealing.then(() => finished);
    this.#seal(directory, number);
  }

  #seal(directory: string, number: number): void {
    const { seal = sealJournal, sealed } = this.#options;
    this.#sealing = this.#sealing.then(async () => {
      if (this.#status.state === 'stopped') return;
      try {
        await seal(directory, number);
        sealed?.(directory);
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #fail(error: unknown): void {
    if (this.#status.state === 'stopped') return;
    const reason = error instanceof TaskglassError ? `${error.title}: ${error.detail}` : reasonOf(error);
    this.#setStatus({ ...this.#status, state: 'stopped', reason });
    this.#entries = [];
    // What has been written stays as it is; it is sealed by whoever records this cluster next.
    const current = this.#current;
    this.#current = null;
    if (current === null) return;
    const finished = current.journal.finish();
    this.#sealing = this.#sealing.then(() => finished).then(() => current.lock[Symbol.dispose]());
  }

  #setStatus(status: RecorderStatus): void {
    this.#status = status;
    this.#options.changed?.(status);
  }
}

/** Numbers of all segments that are there, in order. */
function segmentNumbers(directory: string): number[] {
  const numbers = new Set<number>();
  for (const folder of [EVENTS, JOURNAL]) {
    const names = existsSync(path.join(directory, folder)) ? readdirSync(path.join(directory, folder)) : [];
    for (const name of names) {
      const number = numberOf(name);
      if (number !== null) numbers.add(number);
    }
  }
  return [...numbers].sort((a, b) => a - b);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the quota of the disk is used up',
  EFBIG: 'no file may grow any further here',
  EROFS: 'the disk is read-only',
  EACCES: 'the folder may not be written',
  ENOENT: 'the folder has gone',
};

/** What the file system says, in words. */
function reasonOf(error: unknown): string {
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
  const reason = REASONS[code];
  return reason === undefined ? message : `${reason} (${code})`;
}
