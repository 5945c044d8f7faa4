import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ENGINE_VERSION } from '../../engine/version.ts';
import type { Manifest } from '../../recording/files/format.ts';
import { INDEX, type IndexState, readIndexState, writeIndexState } from '../../recording/files/index-file.ts';
import { decodeKnown, encodeKnown } from '../../recording/files/known-blocks.ts';
import { isRecording } from '../../recording/files/lock.ts';
import { DIGEST, DiskPageFile, PAGES_PREFIX } from '../../recording/files/page-file.ts';
import { type IndexKey, indexKey } from '../../recording/index-key.ts';
import type { RecordingReader } from '../../recording/reader.ts';
import type { ReplayPosition } from '../../recording/replay.ts';
import type { Resume } from '../../source/recording.ts';
import { Capture, LOST_SLOT } from '../../store/paging/capture.ts';
import type { PageMemory } from '../../store/paging/page-memory.ts';
import { Pager } from '../../store/paging/pager.ts';
import { readPinned, StateReader, StateWriter, textOf } from '../../store/paging/state.ts';
import { Store } from '../../store/store.ts';

export interface HistoryIndexOptions {
  readonly memory: PageMemory;
  readonly logger: Logger;
  /** What indices are signed with. Default: this user's key. */
  readonly key?: () => Promise<IndexKey>;
  readonly limits?: Partial<IndexLimits> | undefined;
  /** Milliseconds that never go back. */
  readonly monotonic?: () => number;
}

export interface IndexLimits {
  /** A history of fewer records is read from its segments as fast. */
  readonly records: number;
  /** Checkpoints of a history that goes on are at least so far apart. */
  readonly everyMs: number;
}

const LIMITS: IndexLimits = { records: 20_000, everyMs: 60_000 };
/** Pages that a checkpoint writes in one turn of the event loop. */
const PAGES_A_TURN = 16;
const TURN_MS = 4;

/** What a checkpoint took. */
export interface CheckpointCost {
  readonly ms: number;
  /** The longest that nothing else had its turn. */
  readonly step: number;
  readonly pages: number;
  /** Of the small part. */
  readonly bytes: number;
}

/**
 * One history: the store, the part of it that is in memory, and the index beside its recording. The index is both the place for the
 * pages that memory has no room for and, with a checkpoint, what opens the recording fast.
 */
export class HistoryIndex implements Resume {
  readonly store: Store;
  readonly pager: Pager;
  readonly #logger: Logger;
  readonly #limits: IndexLimits;
  readonly #key: () => Promise<IndexKey>;
  /** The recording whose history this is; null: there is none, or none that may be written to. */
  #directory: string | null = null;
  #file: DiskPageFile | null = null;
  /** What was taken up. */
  #base: DiskPageFile | null = null;
  #taken = 0;
  #committed = false;
  #trouble = '';
  #damage = '';
  #at = Number.NEGATIVE_INFINITY;
  #running: Promise<CheckpointCost | null> = Promise.resolve(null);
  #busy = false;
  #closed = false;

  constructor({ memory, logger, key = indexKey, limits, monotonic = () => performance.now() }: HistoryIndexOptions) {
    this.#logger = logger;
    this.#key = key;
    this.#limits = { ...LIMITS, ...limits };
    this.pager = new Pager({
      memory,
      monotonic,
      open: () => this.#openFile(),
      trouble: (reason) => {
        this.#trouble = reason ?? '';
        if (reason === null) logger.info('the history can be written to disk again');
        else
          logger.warn({ reason }, 'the history cannot be written to disk: the oldest details go when memory is full');
      },
      damaged: (reason) => {
        if (this.#damage === '') logger.error({ reason }, 'the index of the recording is damaged, and was deleted');
        this.#damage = reason;
        void this.#forget();
      },
    });
    this.store = new Store({ monotonic, pager: this.pager });
  }

  /** Why older details are missing from what is shown; empty: they are not. */
  get cut(): string {
    if (this.#damage !== '') return `The index of the recording is damaged (${this.#damage}): open it again`;
    if (!this.pager.forgotten) return '';
    return `They did not fit into memory and could not be written to disk${this.#trouble && ` (${this.#trouble})`}`;
  }

  /** From now on the index lies with this recording. */
  recordedIn(directory: string): void {
    this.#directory ??= directory;
  }

  async take(reader: RecordingReader): ReturnType<Resume['take']> {
    // Whoever writes it writes over its pages.
    if (isRecording(reader.directory)) return null;
    this.#directory = reader.directory;
    const folder = path.join(reader.directory, INDEX);
    const state = await this.#stateIn(folder);
    if (state === null || state.program !== ENGINE_VERSION || state.id !== reader.manifest.id) return null;
    const there = new Set(reader.numbers);
    if (!state.segments.every((number) => there.has(number)) || state.pageBytes !== this.pager.bytes) return null;
    try {
      const { pages, pageBytes, slots, digests, pinned } = state;
      this.#base = DiskPageFile.open(path.join(folder, path.basename(pages)), pageBytes, slots, digests);
      const table = { slots, file: this.#base };
      readPinned(table, pinned, pageBytes);
      this.store.load(new StateReader(state, table));
      this.#taken = this.store.records.length;
      const known = decodeKnown(state.known, (table, value) => this.store.intern(table, value));
      return { ...state.position, known, time: this.store.now };
    } catch (error) {
      this.#logger.warn({ err: error }, 'the index of the recording cannot be used');
      await this.#forget();
      if (this.store.seq === 0 && this.store.records.length === 0) return null;
      throw error;
    }
  }

  said(reader: RecordingReader, position: ReplayPosition): void {
    if (reader.damages.some(({ torn }) => !torn)) return;
    // Little was said besides what had been taken up.
    if (this.#base !== null && this.store.records.length - this.#taken < this.#limits.records) return;
    void this.checkpoint(reader.manifest, position, reader.numbers);
  }

  /** A good moment: everything up to this position is in the store, and nothing else. Null: it was not worth it, or not possible. */
  async checkpoint(
    manifest: Pick<Manifest, 'id'>,
    position: ReplayPosition,
    segments: readonly number[],
    hurry = false,
  ): Promise<CheckpointCost | null> {
    if (hurry) await this.#running;
    const { records, everyMs } = this.#limits;
    const folder = this.#directory;
    const soon = performance.now() - this.#at < everyMs && !hurry;
    const cannot = folder === null || this.pager.forgotten || this.#damage !== '' || this.#closed || this.#busy;
    if (cannot || soon || this.store.records.length < records) return null;
    this.#at = performance.now();
    this.#busy = true;
    this.#running = this.#write(path.join(folder, INDEX), manifest, position, segments)
      .catch((error: unknown) => {
        this.#logger.info({ err: error }, 'the index of the recording could not be written');
        return null;
      })
      .finally(() => {
        this.#busy = false;
      });
    return this.#running;
  }

  /** Gives memory and files back. The store must not be used afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    if (!this.#committed) this.#file?.remove();
    this.pager.close();
    this.#base?.close();
  }

  async #write(
    folder: string,
    { id }: Pick<Manifest, 'id'>,
    position: ReplayPosition,
    segments: readonly number[],
  ): Promise<CheckpointCost | null> {
    if (path.dirname(this.#openFile().file) !== folder) return null;
    const began = performance.now();
    let step = began;
    let longest = 0;
    const turn = async (): Promise<void> => {
      const took = performance.now() - step;
      longest = Math.max(longest, took);
      if (took < TURN_MS) return;
      await nextTurn();
      step = performance.now();
    };
    const writer = new StateWriter();
    this.store.save(writer);
    const capture = new Capture(this.pager, writer.pages);
    const { known: events, ...place } = position;
    const known = encodeKnown(events, (table, index) => this.store.strings[table].at(index));
    const writes = this.pager.writes;
    step = performance.now();
    longest = step - began;
    await nextTurn();
    step = performance.now();
    while (!writer.step()) await turn();
    const { numbers, words, texts: later, pinned } = writer.parts;
    await turn();
    while (!capture.step(PAGES_A_TURN)) await turn();
    const texts: string[] = [];
    for (const text of later) {
      texts.push(textOf(text()));
      await turn();
    }
    const file = this.#file;
    if (capture.failed || file === null) return null;
    await turn();
    await file.sync();
    step = performance.now();
    const { slots } = capture;
    const digests = Buffer.alloc(slots.length * DIGEST);
    for (const [i, slot] of slots.entries()) if (slot !== LOST_SLOT) digests.set(file.digest(slot), i * DIGEST);
    const pages = path.basename(file.file);
    const state = {
      numbers,
      words,
      texts,
      slots,
      digests,
      pinned,
      pages,
      pageBytes: this.pager.bytes,
      known,
      position: place,
    };
    const { key } = await this.#key();
    await writeIndexState(folder, key, { ...state, id, program: ENGINE_VERSION, segments }, turn);
    step = performance.now();
    capture.commit();
    this.#committed = true;
    await turn();
    await removeOthers(folder, pages);
    const sizes = [...[...numbers, ...words].map((part) => part.byteLength), ...texts.map((text) => text.length)];
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const cost = { ms: performance.now() - began, step: longest, pages: this.pager.writes - writes, bytes };
    this.#logger.debug(cost, 'checkpoint');
    return cost;
  }

  #openFile(): DiskPageFile {
    if (this.#file !== null) return this.#file;
    this.#file = this.#inFolder() ?? DiskPageFile.temporary();
    return this.#file;
  }

  #inFolder(): DiskPageFile | null {
    if (this.#directory === null) return null;
    try {
      return DiskPageFile.create(path.join(this.#directory, INDEX));
    } catch {
      // A folder that may only be read.
      return null;
    }
  }

  /** Null: there is none that this user's Taskglass has signed. */
  async #stateIn(folder: string): Promise<IndexState | null> {
    if (!existsSync(folder)) return null;
    const { key, trouble } = await this.#key();
    if (trouble !== '')
      this.#logger.warn({ reason: trouble }, 'there is no key for indices: those of earlier runs are not used');
    const state = await readIndexState(folder, key).catch(() => null);
    if (state !== 'foreign') return state;
    this.#logger.info('the index of the recording is not by this user, or damaged: all is read from the segments');
    return null;
  }

  async #forget(): Promise<void> {
    if (this.#directory !== null) {
      await rm(path.join(this.#directory, INDEX, 'state'), { force: true }).catch(() => {});
    }
  }
}

/** Files of pages that no checkpoint counts on any more. */
async function removeOthers(folder: string, pages: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(PAGES_PREFIX) && name !== pages) await rm(path.join(folder, name), { force: true });
  }
}
