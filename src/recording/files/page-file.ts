import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { PageFile } from '../../base/page-file.ts';

/** How the names of files of pages begin. */
export const PAGES_PREFIX = 'pages-';
/** Bytes of what tells a page from any other. */
export const DIGEST = 32;
const syncData = promisify(fdatasync);

/** A file of pages on disk. What is read from it is what this process wrote, or what the digests that it was opened with tell. */
export class DiskPageFile implements PageFile {
  readonly file: string;
  readonly #fd: number;
  /** SHA-256 of each page, by its place. */
  #digests = Buffer.alloc(64 * DIGEST);
  #removed = false;
  #closed = false;

  private constructor(file: string, fd: number) {
    this.file = file;
    this.#fd = fd;
  }

  /** A new one in `folder`, which is made where it is not there. */
  static create(folder: string, prefix = PAGES_PREFIX): DiskPageFile {
    mkdirSync(folder, { recursive: true });
    // A recording may come from anybody: a link in it leads to nothing that is ours to write.
    if (prefix === PAGES_PREFIX && !lstatSync(folder).isDirectory()) throw new Error(`${folder} is no folder`);
    const file = path.join(folder, `${prefix}${randomBytes(6).toString('hex')}`);
    return new DiskPageFile(file, openSync(file, 'wx+', 0o600));
  }

  /** One that goes with this process, however that ends. */
  static temporary(): DiskPageFile {
    const file = DiskPageFile.create(tmpdir(), `taskglass-${PAGES_PREFIX}`);
    file.remove();
    return file;
  }

  /** One that is there, to read: `digests` of the pages of `pageBytes` at `slots`, one after another. */
  static open(file: string, pageBytes: number, slots: Uint32Array, digests: Uint8Array): DiskPageFile {
    // A pipe would otherwise be waited for until somebody writes it.
    const fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const opened = new DiskPageFile(file, fd);
    const found = fstatSync(fd);
    if (!found.isFile()) {
      opened.close();
      throw new Error(`${file} is no file`);
    }
    const places = Math.floor(found.size / pageBytes);
    for (const [i, slot] of slots.entries()) {
      // What the file does not reach is told when it is read.
      if (slot < places) opened.#put(slot, digests.subarray(i * DIGEST, (i + 1) * DIGEST));
    }
    return opened;
  }

  write(position: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at, bytes.length - at, position + at);
    this.#put(position / bytes.length, digest(bytes));
  }

  read(position: number, into: Uint8Array): void {
    for (let at = 0; at < into.length; ) {
      const read = readSync(this.#fd, into, at, into.length - at, position + at);
      if (read === 0) throw new Error(`${this.file} ends early`);
      at += read;
    }
    if (!this.digest(position / into.length).equals(digest(into))) throw new Error('a page is not what was written');
  }

  /** SHA-256 of the page at that place; zeros where there is none. */
  digest(slot: number): Buffer {
    const at = slot * DIGEST;
    return at < this.#digests.length ? this.#digests.subarray(at, at + DIGEST) : Buffer.alloc(DIGEST);
  }

  #put(slot: number, bytes: Uint8Array): void {
    const at = slot * DIGEST;
    if (at >= this.#digests.length) {
      const larger = Buffer.alloc(Math.max(2 * this.#digests.length, at + DIGEST));
      larger.set(this.#digests);
      this.#digests = larger;
    }
    this.#digests.set(bytes, at);
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

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
