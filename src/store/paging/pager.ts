import type { PageFile } from '../../base/page-file.ts';
import type { Capture } from './capture.ts';
import { PageMemory } from './page-memory.ts';

export type PageValues =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** A page, in memory or not. Whoever reads it sets `used`; whoever holds its values while others may be loaded pins it. */
export interface Page<T extends PageValues = PageValues> {
  /** Null: not in memory, see {@link Pager.load}. */
  values: T | null;
  used: boolean;
  /** It stays in memory while this is not 0. */
  pins: number;
  /** Differs from what is in the file. Whoever is about to write to a page asks {@link Pager.isFree}, and calls {@link Pager.change} where it is not. */
  dirty: boolean;
  /** Number of the checkpoint that has last put it down, or that was on its way when it was made. */
  seen: number;
  /** Place in `home`, -1: none. */
  slot: number;
  /** The file that the slot is in. */
  home: PageFile | null;
  /** A checkpoint counts on what is in the slot. */
  kept: boolean;
  readonly pager: Pager;
  readonly view: (frame: ArrayBuffer) => T;
  /** Called when what was in it is gone for good. */
  readonly lost: () => void;
  /** Place in the list of {@link PageMemory}. */
  place: number;
}

export interface PagerOptions {
  readonly memory?: PageMemory;
  /** Milliseconds that never go back; says when a full disk is tried again. */
  readonly monotonic?: () => number;
  /** Opens the file, when it is needed first. Without it all pages stay in memory. */
  readonly open?: () => PageFile;
  /** Something could not be written, or can again (null): said when that changes. */
  readonly trouble?: (reason: string | null) => void;
  /** Something that was written could not be read as it was. */
  readonly damaged?: (reason: string) => void;
}

/** What is kept of a page that is not in memory: so much of it, 256 bytes of the usual size. */
const BESIDE = 1 / 256;
/** A disk that was full is tried again after so long. */
const RETRY_MS = 10_000;

/** The pages of one history: which of them are in memory, and where the others lie in its file. */
export class Pager {
  readonly memory: PageMemory;
  readonly bytes: number;
  /** Rows of one byte in a page: 2^bits. */
  readonly bits: number;
  /** Forgets the oldest of what can be done without; false: there is nothing left. */
  forgetOldest: () => boolean = () => false;
  /** Pages that were read back. */
  loads = 0;
  /** Pages that were written. */
  writes = 0;
  /** The checkpoint that is being put down. */
  capture: Capture | null = null;
  readonly #options: PagerOptions;
  #file: PageFile | null = null;
  readonly #free: number[] = [];
  /** Slots that a checkpoint counts on. */
  #kept: ReadonlySet<number> = new Set();
  /** Slots that the file has. */
  #slots = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #failing = false;
  #forgotten = false;
  #charged = 0;
  #closed = false;

  constructor(options: PagerOptions = {}) {
    this.#options = options;
    this.memory = options.memory ?? new PageMemory();
    this.bytes = this.memory.pageBytes;
    this.bits = 31 - Math.clz32(this.bytes);
  }

  /** Bytes that its file has come to. */
  get fileBytes(): number {
    return this.#slots * this.bytes;
  }

  /** Pages were given up because the file could not be written. */
  get forgotten(): boolean {
    return this.#forgotten;
  }

  allocate<T extends PageValues>(view: Page<T>['view'], lost: () => void): Page<T> {
    const page = this.#page(view, lost);
    page.values = view(this.memory.take());
    this.memory.hold(page);
    return page;
  }

  /** A page that is in a file already. */
  restore<T extends PageValues>(view: Page<T>['view'], lost: () => void, home: PageFile | null, slot: number): Page<T> {
    const page = this.#page(view, lost);
    page.dirty = false;
    page.home = home;
    page.slot = slot;
    return page;
  }

  #page<T extends PageValues>(view: Page<T>['view'], lost: () => void): Page<T> {
    this.charge(this.bytes * BESIDE);
    return {
      values: null,
      used: true,
      pins: 0,
      dirty: true,
      seen: this.capture?.number ?? 0,
      slot: -1,
      home: null,
      kept: false,
      pager: this,
      view,
      lost,
      place: -1,
    };
  }

  /** Brings a page back into memory. */
  load<T extends PageValues>(page: Page<T>): T {
    const values = page.view(this.memory.take());
    this.loads++;
    const reason = this.read(page, values.buffer);
    page.values = values;
    this.memory.hold(page);
    if (reason !== null && page.slot >= 0) {
      this.#options.damaged?.(reason);
      page.lost();
    }
    return values;
  }

  /** What is in the file; where that cannot be read, zeros and the reason. */
  read({ home, slot }: Page, frame: ArrayBuffer): string | null {
    const into = new Uint8Array(frame);
    try {
      if (home === null || slot < 0) throw new Error('it was given up');
      home.read(slot * this.bytes, into);
      return null;
    } catch (error) {
      into.fill(0);
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Whether a page may be written to as it is. */
  isFree(page: Page): boolean {
    return page.dirty && (this.capture === null || page.seen === this.capture.number);
  }

  /** A page is about to be written to. */
  change(page: Page): void {
    if (this.waitsFor(page)) this.save(page);
    page.dirty = true;
  }

  /** Whether a checkpoint is still to put down what is in a page now. */
  waitsFor({ seen }: Page): boolean {
    return this.capture !== null && seen !== this.capture.number;
  }

  /** Sees to it that the file has what is in a page that is in memory. False: it cannot be written. */
  save(page: Page): boolean {
    const { capture } = this;
    const waits = this.waitsFor(page);
    if (page.dirty || (waits && !this.isSaved(page))) {
      if (!this.write(page, page.values!.buffer)) {
        if (waits) capture?.fail();
        return false;
      }
    }
    if (waits) capture?.early(page);
    return true;
  }

  /** Writes what a page holds into this pager's own file. */
  write(page: Page, frame: ArrayBuffer): boolean {
    if (this.#failing && this.#now() - this.#failedAt < RETRY_MS) return false;
    const file = this.#open();
    if (file === null) return false;
    const own = page.home === file && !page.kept && page.slot >= 0;
    const slot = own ? page.slot : (this.#free.pop() ?? this.#slots);
    try {
      file.write(slot * this.bytes, new Uint8Array(frame));
    } catch (error) {
      if (!own && slot < this.#slots) this.#free.push(slot);
      this.#fail(error);
      return false;
    }
    if (slot === this.#slots) this.#slots++;
    this.writes++;
    page.slot = slot;
    page.home = file;
    page.kept = false;
    page.dirty = false;
    if (this.#failing) {
      this.#failing = false;
      this.#options.trouble?.(null);
    }
    return true;
  }

  /** Whether a page lies in this pager's own file, as it is. */
  isSaved(page: Page): boolean {
    return !page.dirty && page.home !== null && page.home === this.#file;
  }

  /** A page leaves the memory. */
  release(page: Page): void {
    if (page.values === null) return;
    if (page.place >= 0) {
      this.memory.letGo(page);
      this.memory.give(page.values.buffer);
    }
    page.values = null;
  }

  /** A page that nobody needs any more. */
  drop(page: Page): void {
    if (this.waitsFor(page)) this.capture?.ahead(page);
    this.release(page);
    if (page.home === this.#file && page.slot >= 0 && !page.kept) this.#free.push(page.slot);
    page.home = null;
    page.slot = -1;
    page.dirty = false;
  }

  /** Because the file cannot be written: something is given up, so that memory stays bounded. */
  forget(): boolean {
    if (this.#options.open === undefined || !this.#failing || !this.forgetOldest()) return false;
    this.#forgotten = true;
    return true;
  }

  /** A checkpoint counts on these slots from now on; on those of the one before it no more, if this one `replaces` it. */
  keep(slots: Iterable<number>, replaces: boolean): void {
    const kept = new Set(slots);
    for (const slot of this.#kept) {
      if (kept.has(slot)) continue;
      if (replaces) this.#free.push(slot);
      else kept.add(slot);
    }
    this.#kept = kept;
  }

  /** What is kept beside the pages and grows with them counts, too: `by` bytes more of it. */
  charge(by: number): void {
    this.#charged += by;
    this.memory.charge(by);
  }

  /** Gives the memory back. The store must not be used afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.memory.charge(-this.#charged);
    this.memory.letGoAll((page) => page.pager === this);
    this.#file?.close();
  }

  #open(): PageFile | null {
    if (this.#file !== null || this.#options.open === undefined || this.#closed) return this.#file;
    try {
      this.#file = this.#options.open();
    } catch (error) {
      this.#fail(error);
    }
    return this.#file;
  }

  #now(): number {
    return this.#options.monotonic?.() ?? 0;
  }

  #fail(error: unknown): void {
    this.#failedAt = this.#now();
    if (this.#failing) return;
    this.#failing = true;
    this.#options.trouble?.(error instanceof Error ? error.message : String(error));
  }
}
