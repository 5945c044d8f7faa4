import { existsSync, statSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TaskglassError } from '../base/errors.ts';
import type { Bytes, Seconds } from '../model/units.ts';
import {
  EVENTS,
  eventsFile,
  JOURNAL,
  journalFile,
  MANIFEST,
  type Manifest,
  numberOf,
  PINNED,
  parseManifest,
  TASKS,
  tasksFile,
} from './files/format.ts';
import { JournalCount } from './files/journal-count.ts';
import { isRecording, lockRecording } from './files/lock.ts';
import { readSmall } from './regular-file.ts';
import { RunList, type RunSummary } from './run-list.ts';
import { sealedSummary } from './sealing/sealed-summary.ts';
import type { Summary } from './summary.ts';

/** A recording as lists show it. */
export interface RecordingOverview {
  /** The name of its folder. */
  readonly id: string;
  readonly manifest: Manifest;
  /** Its first and last moment, in the scheduler's clock. */
  readonly since: Seconds;
  readonly until: Seconds;
  readonly tasks: number;
  readonly erred: number;
  /** Tasks that are known to have been missed. */
  readonly missed: number;
  /** By tasks, most first. */
  readonly functions: readonly { readonly name: string; readonly tasks: number; readonly erred: number }[];
  readonly workers: readonly string[];
  /** Oldest first. */
  readonly runs: readonly RunSummary[];
  readonly bytes: Bytes;
  readonly pinned: boolean;
  /** A process writes it now. */
  readonly live: boolean;
  /** Segments whose summary cannot be read: their tasks are not counted. */
  readonly unreadable: number;
}

/** What is known of the sealed segments of one recording; they never change, so that only their folders' times tell. */
interface Sealed {
  readonly stamp: string;
  /** Sizes by number. */
  readonly segments: ReadonlyMap<number, Bytes>;
  readonly sums: Sums;
}

interface Known {
  readonly manifest: Manifest;
  readonly manifestTime: number;
  sealed: Sealed;
  readonly journals: Map<number, JournalCount>;
  /** What was said last, and of what. */
  stamp: string;
  overview: RecordingOverview;
}

/** A name that can be no path: neither `..` nor hidden nor with a separator of any platform. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Recordings are looked at so many at a time. */
const AT_ONCE = 16;

/** The recordings in one folder: what they hold, and what one may do with them. Reads only what has changed since it last looked. */
export class RecordingIndex {
  readonly folder: string;
  readonly #known = new Map<string, Known>();
  #listing: Promise<RecordingOverview[]> | null = null;

  constructor(folder: string) {
    this.folder = path.resolve(folder);
  }

  /** Those that are being written first, then the latest first. Many that ask at a time are answered alike. */
  list(): Promise<RecordingOverview[]> {
    this.#listing ??= this.#list().finally(() => {
      this.#listing = null;
    });
    return this.#listing;
  }

  /** Where a recording of that name lies, whether it is there or not. */
  pathOf(id: string): string {
    return path.join(this.folder, id);
  }

  /** Its folder. Throws NOT_FOUND. */
  directoryOf(id: string): string {
    const directory = this.pathOf(id);
    if (!ID.test(id) || !existsSync(path.join(directory, MANIFEST))) {
      throw new TaskglassError('NOT_FOUND', 'there is no recording of that name');
    }
    return directory;
  }

  /** Pinned ones are not deleted by age, size or count. Throws NOT_FOUND, RECORDING_FAILED. */
  async pin(id: string, pinned: boolean): Promise<void> {
    const file = path.join(this.directoryOf(id), PINNED);
    try {
      // Of a recording of somebody else it may be a link: that is not followed.
      if (pinned && !existsSync(file)) await writeFile(file, '', { flag: 'wx' });
      else if (!pinned) await rm(file, { force: true });
    } catch (error) {
      throw failed(error);
    }
  }

  /** Deletes it for good. Throws NOT_FOUND, RECORDING_IN_USE, RECORDING_FAILED. */
  async delete(id: string): Promise<void> {
    const directory = this.directoryOf(id);
    await readSmall(path.join(directory, MANIFEST)).then((text) => parseManifest(text, id));
    let lock: Disposable | null;
    try {
      lock = lockRecording(directory);
    } catch (error) {
      throw failed(error);
    }
    if (lock === null) throw new TaskglassError('RECORDING_IN_USE', id);
    try {
      await rm(directory, { recursive: true, force: true });
      this.#known.delete(id);
    } catch (error) {
      throw failed(error);
    } finally {
      lock[Symbol.dispose]();
    }
  }

  async #list(): Promise<RecordingOverview[]> {
    const names = (await readdir(this.folder).catch(() => [])).filter((name) => ID.test(name));
    const there = new Set(names);
    for (const id of this.#known.keys()) if (!there.has(id)) this.#known.delete(id);
    const found: RecordingOverview[] = [];
    const next = names.values();
    const work = async (): Promise<void> => {
      for (const id of next) {
        const overview = await this.#overview(id).catch(() => null);
        if (overview !== null) found.push(overview);
        else this.#known.delete(id);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return found.sort((a, b) => Number(b.live) - Number(a.live) || b.until - a.until || (a.id < b.id ? -1 : 1));
  }

  async #overview(id: string): Promise<RecordingOverview> {
    const directory = path.join(this.folder, id);
    const known = this.#known.get(id);
    const manifestFile = path.join(directory, MANIFEST);
    const manifestTime = statSync(manifestFile).mtimeMs;
    const manifest =
      known?.manifestTime === manifestTime
        ? known.manifest
        : parseManifest(await readSmall(manifestFile), manifestFile);
    const sealed = await sealedOf(directory, known?.sealed ?? null);
    const journals = await journalsOf(directory);
    const pinned = existsSync(path.join(directory, PINNED));
    const live = isRecording(directory);
    const stamp = `${manifestTime} ${sealed.stamp} ${pinned} ${live} ${journals.map(({ number, bytes }) => `${number}:${bytes}`)}`;
    if (known !== undefined && known.stamp === stamp) return known.overview;

    const counts = new Map<number, JournalCount>();
    const sums = sealed.sums.copy();
    let bytes = [...sealed.segments.values()].reduce((sum, size) => sum + size, 0);
    for (const { number, bytes: size } of journals) {
      bytes += size;
      // A journal that is still there beside its sealed file is one that is about to be deleted.
      if (sealed.segments.has(number)) continue;
      const count = known?.journals.get(number) ?? new JournalCount(directory, number, sums.lastTick);
      counts.set(number, count);
      sums.add(await count.summary());
    }
    const overview = { id, manifest, bytes, pinned, live, ...sums.overview(manifest) };
    this.#known.set(id, { manifest, manifestTime, sealed, journals: counts, stamp, overview });
    return overview;
  }
}

async function sealedOf(directory: string, known: Sealed | null): Promise<Sealed> {
  const stamp = [TASKS, EVENTS].map((name) => timeOf(path.join(directory, name))).join('/');
  if (known?.stamp === stamp) return known;
  const numbers = await numbersIn(path.join(directory, EVENTS));
  // Of one that goes on the oldest segments may have been deleted: then what they added cannot be taken away again.
  const grew = known !== null && [...known.segments.keys()].every((number) => numbers.includes(number));
  const segments = new Map(grew ? known.segments : []);
  const sums = grew ? known.sums.copy() : new Sums();
  for (const number of numbers) {
    if (segments.has(number)) continue;
    segments.set(number, sizeOf(eventsFile(directory, number)) + sizeOf(tasksFile(directory, number)));
    sums.add(await sealedSummary(directory, number));
  }
  return { stamp, segments, sums };
}

async function journalsOf(directory: string): Promise<{ readonly number: number; readonly bytes: Bytes }[]> {
  const numbers = await numbersIn(path.join(directory, JOURNAL));
  return numbers.map((number) => ({ number, bytes: sizeOf(journalFile(directory, number)) }));
}

/** In order. */
async function numbersIn(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .map(numberOf)
    .filter((number) => number !== null)
    .sort((a, b) => a - b);
}

/** What the segments of a recording hold together. */
class Sums {
  readonly #functions = new Map<string, { readonly name: string; readonly tasks: number; readonly erred: number }>();
  readonly #workers = new Set<string>();
  readonly #runs = new RunList();
  #tasks = 0;
  #erred = 0;
  #missed = 0;
  #unreadable = 0;
  /** Of the segment that was added last and had any; 0 where none had. */
  lastTick: Seconds = 0;
  #until: Seconds = 0;

  /** Null: it cannot be read. */
  add(summary: Summary | null): void {
    if (summary === null) {
      this.#unreadable++;
      return;
    }
    const { start, stop, tasks, erred, missed, lastTick, functions, workers, runs } = summary;
    this.#tasks += tasks;
    this.#erred += erred;
    this.#missed += missed;
    this.lastTick = lastTick ?? this.lastTick;
    this.#until = Math.max(this.#until, lastTick ?? 0, stop ?? 0);
    for (const fn of functions) {
      const { name } = fn;
      const known = this.#functions.get(name) ?? { tasks: 0, erred: 0 };
      this.#functions.set(name, { name, tasks: known.tasks + fn.tasks, erred: known.erred + fn.erred });
    }
    for (const worker of workers) this.#workers.add(worker);
    const own = runs ?? (start === null || stop === null ? [] : [{ start, stop, tasks, erred }]);
    for (const run of own) this.#runs.add(run);
  }

  copy(): Sums {
    const copy = new Sums();
    for (const [name, fn] of this.#functions) copy.#functions.set(name, fn);
    for (const worker of this.#workers) copy.#workers.add(worker);
    for (const run of this.#runs.runs) copy.#runs.add(run);
    copy.#tasks = this.#tasks;
    copy.#erred = this.#erred;
    copy.#missed = this.#missed;
    copy.#unreadable = this.#unreadable;
    copy.lastTick = this.lastTick;
    copy.#until = this.#until;
    return copy;
  }

  overview({ since }: Manifest) {
    return {
      since,
      until: Math.max(since, this.#until),
      tasks: this.#tasks,
      erred: this.#erred,
      missed: this.#missed,
      functions: [...this.#functions.values()].sort((a, b) => b.tasks - a.tasks),
      workers: [...this.#workers],
      runs: [...this.#runs.runs],
      unreadable: this.#unreadable,
    };
  }
}

function timeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function sizeOf(file: string): Bytes {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function failed(error: unknown): TaskglassError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new TaskglassError('RECORDING_FAILED', code ?? message, { cause: error });
}
