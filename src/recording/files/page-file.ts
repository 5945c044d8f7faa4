import { randomBytes } from 'node:crypto';
import { closeSync, fdatasync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { PageFile } from '../../base/page-file.ts';

/** How the names of files of pages begin. */
export const PAGES_PREFIX = 'pages-';
const syncData = promisify(fdatasync);

/** A file of pages on disk. */
export class DiskPageFile implements PageFile {
  readonly file: string;
  readonly #fd: number;
  #removed = false;
  #closed = false;

  private constructor(file: string, fd: number) {
    this.file = file;
    this.#fd = fd;
  }

  /** A new one in `folder`, which is made where it is not there. */
  static create(folder: string, prefix = PAGES_PREFIX): DiskPageFile {
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, `${prefix}${randomBytes(6).toString('hex')}`);
    return new DiskPageFile(file, openSync(file, 'wx+', 0o600));
  }

  /** One that goes with this process, however that ends. */
  static temporary(): DiskPageFile {
    const file = DiskPageFile.create(tmpdir(), `taskglass-${PAGES_PREFIX}`);
    file.remove();
    return file;
  }

  /** One that is there, to read. */
  static open(file: string): DiskPageFile {
    return new DiskPageFile(file, openSync(file, 'r'));
  }

  write(position: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at, bytes.length - at, position + at);
  }

  read(position: number, into: Uint8Array): void {
    for (let at = 0; at < into.length; ) {
      const read = readSync(this.#fd, into, at, into.length - at, position + at);
      if (read === 0) throw new Error(`${this.file} ends early`);
      at += read;
    }
  }

  /** Resolves when what was written survives a loss of power. */
  async sync(): Promise<void> {
    if (!this.#closed) await syncData(this.#fd);
  }

  /** Takes its name away; it goes when it is closed. */
  remove(): void {
    this.#removed = true;
    // Windows does not do that while it is open.
    if (process.platform !== 'win32') rmSync(this.file, { force: true });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
    if (this.#removed) rmSync(this.file, { force: true });
  }
}
