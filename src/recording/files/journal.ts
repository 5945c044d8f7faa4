import { type FileHandle, open } from 'node:fs/promises';
import { fileHead } from './blocks.ts';

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
const SYNC_MS = 1_000;

/**
 * The file that the newest events go to. What was appended is written at once, in the background, one write at a time with all that
 * came meanwhile, and synced at least each second.
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
    this.#timer ??= setTimeout(() => this.#sync(), SYNC_MS).unref();
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

  #sync(): void {
    this.#timer = null;
    if (this.#broken) return;
    const started = this.#writing;
    Promise.resolve(started)
      .then(async () => {
        if (!this.#dirty || this.#broken) return;
        this.#dirty = false;
        await (await this.#opened).sync();
      })
      .catch((error: unknown) => this.#fail(error));
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
  return {
    async append(bytes) {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
        at += bytesWritten;
      }
    },
    sync: () => file.datasync(),
    close: () => file.close(),
  };
}
