import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { MOST_HELD } from './files/blocks.ts';
import { RecordingError } from './files/event-decoder.ts';

/** What says what a recording is, and who writes it, is some hundred bytes. */
export const MOST_SMALL = 1024 * 1024;
// A pipe would otherwise be waited for until somebody writes it.
const HOW = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a file of a recording to read it. Null where there is none.
 *
 * @throws RecordingError for what is no file, or larger than any that is written.
 */
export async function openRegular(file: string, most = MOST_HELD): Promise<FileHandle | null> {
  let handle: FileHandle;
  try {
    handle = await open(file, HOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    check(await handle.stat(), most);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** All of it; the rest as above. */
export async function readRegular(file: string, most = MOST_HELD): Promise<Buffer | null> {
  const handle = await openRegular(file, most);
  if (handle === null) return null;
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** The text of a small file. Throws what the file system throws, and RecordingError as above. */
export async function readSmall(file: string): Promise<string> {
  const bytes = await readRegular(file, MOST_SMALL);
  if (bytes === null) throw new RecordingError('it is not there');
  return bytes.toString('utf8');
}

/** The same at once. */
export function readSmallSync(file: string): string {
  const fd = openSync(file, HOW);
  try {
    const { size } = check(fstatSync(fd), MOST_SMALL);
    const bytes = Buffer.alloc(size);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, size, 0));
  } finally {
    closeSync(fd);
  }
}

function check(found: Stats, most: number): Stats {
  if (!found.isFile()) throw new RecordingError('it is no file');
  if (found.size > most) throw new RecordingError('it is larger than any that is written');
  return found;
}
