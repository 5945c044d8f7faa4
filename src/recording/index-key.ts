import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { defaultFolder } from './library.ts';

const FILE = 'index.key';
const BYTES = 32;

/** What indices beside recordings are signed with: who has it can make this user's Taskglass take one up. */
export interface IndexKey {
  readonly key: Uint8Array;
  /** Why the key goes with this process, so that no other one takes up what it signs; empty: it does not. */
  readonly trouble: string;
}

const keys = new Map<string, Promise<IndexKey>>();

/** This user's key, made where there is none. Never in a recording, which may be given away. The same one for all of a process. */
export function indexKey(folder: string = path.dirname(defaultFolder())): Promise<IndexKey> {
  let key = keys.get(folder);
  if (key === undefined) {
    key = loadIndexKey(folder);
    keys.set(folder, key);
  }
  return key;
}

/** The same as it is now. */
export async function loadIndexKey(folder: string): Promise<IndexKey> {
  const file = path.join(folder, FILE);
  try {
    const found = await read(file);
    if (found !== null) return { key: found, trouble: '' };
    await mkdir(folder, { recursive: true });
    await create(file);
    // Of many that made one at a time, one was first.
    const made = await read(file);
    if (made === null) throw new Error(`${file} has gone`);
    return { key: made, trouble: '' };
  } catch (error) {
    return { key: randomBytes(BYTES), trouble: error instanceof Error ? error.message : String(error) };
  }
}

/** Null where there is none. Throws for one that others may know. */
async function read(file: string): Promise<Uint8Array | null> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const { mode, uid, size } = await handle.stat().then((found) => {
      if (!found.isFile()) throw new Error(`${file} is no file`);
      return found;
    });
    // Windows has neither: there the folder is the user's own.
    const me = process.getuid?.();
    if (me !== undefined && uid !== me) throw new Error(`${file} belongs to another user`);
    if (me !== undefined && (mode & 0o077) !== 0) throw new Error(`${file} may be read or written by other users`);
    if (size !== BYTES) throw new Error(`${file} is no key of ${BYTES} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Puts a new one in place, whole, unless somebody else was first. */
async function create(file: string): Promise<void> {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(aside, 'wx', 0o600);
  try {
    await handle.writeFile(randomBytes(BYTES));
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(aside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    // A file system without hard links: of two at a time the last one stays.
    await rename(aside, file);
  } finally {
    await rm(aside, { force: true });
  }
}
