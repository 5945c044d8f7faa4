import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { fileHead } from './blocks.ts';
import { syncFolder } from './sync-folder.ts';

/** A file that grows. Tests put one in place that runs full. */
export interface AppendFile {
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when what was appended survives a loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
export type CreateFile = (file: string) => Promise<AppendFile>;

/** What waits to be written is at most this long; a disk that is slower than its cluster for that long ends the recording. */
const MOST_WAITING = 64 * 1024 * 1024;
/** Half of the second that a loss of power may cost: a sync takes its time, too. */
const SYNC_MS = 500;

/**
 * The file that the newest events go to. What was appended is written at once, in the background, one write at a time with all that
 * came meanwhile, and synced often enough that a loss of power costs no more than a second.
 */
export class Journal {
  readonly file: string;
  /** Bytes that were appended. */
  size = 0;
  readonly #failed: (error: unknown) => void;
  readonly #opened: Promise<AppendFile>;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | null = null;
  #dirty = false;
  #syncing = false;
  #timer: NodeJS.Timeout | null = null;
  #broken = false;

  /** `failed` is called once, with the first error; nothing is written after it. */
  constructor(file: string, failed: (error: unknown) => void, create: CreateFile = createFile) {
    this.file = file;
    this.#failed = failed;
    this.#opened = create(file);
    // A failure is seen where it is waited for.
    this.#opened.catch(() => {});
    this.append([fileHead('journal')]);
  }

  append(blocks: readonly Uint8Array[]): void {
    if (this.#broken) return;
    for (const block of blocks) {
      this.#waiting.push(block);
      this.#waitingBytes += block.length;
      this.size += block.length;
    }
    if (this.#waitingBytes > MOST_WAITING) {
      this.#fail(new Error('the disk is slower than the cluster'));
      return;
    }
    this.#writing ??= this.#write();
    this.#syncSoon();
  }

  /** Resolves when everything is written and synced and the file is closed. */
  async finish(): Promise<void> {
    await this.#writing;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const file = await this.#opened.catch(() => null);
    try {
      if (!this.#broken) await file?.sync();
    } catch (error) {
      this.#fail(error);
    } finally {
      await file?.close().catch(() => {});
    }
  }

  async #write(): Promise<void> {
    try {
      const file = await this.#opened;
      while (this.#waiting.length > 0) {
        const bytes = Buffer.concat(this.#waiting);
        this.#waiting = [];
        this.#waitingBytes = 0;
        await file.append(bytes);
        this.#dirty = true;
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#writing = null;
    }
  }

  #syncSoon(): void {
    this.#timer ??= setTimeout(() => this.#sync(), SYNC_MS).unref();
  }

  #sync(): void {
    this.#timer = null;
    if (this.#broken) return;
    // What is on its way now has its turn the next time: waiting for it would put off the sync for as long as more keeps coming.
    if (this.#writing !== null || this.#syncing) this.#syncSoon();
    if (this.#syncing || !this.#dirty) return;
    this.#dirty = false;
    this.#syncing = true;
    this.#opened
      .then((file) => file.sync())
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#syncing = false;
      });
  }

  #fail(error: unknown): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#failed(error);
  }
}

/** @throws what the file system does; a file of that name must not be there. */
export async function createFile(name: string): Promise<AppendFile> {
  const file: FileHandle = await open(name, 'ax');
  const folder = path.dirname(name);
  let named = false;
  return {
    async append(bytes) {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
        at += bytesWritten;
      }
    },
    async sync() {
      await file.datasync();
      if (named) return;
      named = true;
      // Its folder may be as new as the file, and the recording that the folder is of. Where one may not be read, its system decides.
      for (const above of [folder, path.dirname(folder), path.dirname(path.dirname(folder))]) {
        await syncFolder(above).catch(() => {});
      }
    },
    close: () => file.close(),
  };
}
