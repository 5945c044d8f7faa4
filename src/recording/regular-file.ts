import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { MOST_HELD } from './files/blocks.ts';
import { RecordingError } from './files/event-decoder.ts';

/**
 * Opens a file of a recording to read it. Null where there is none.
 *
 * @throws RecordingError for what is no file, or larger than any that is written.
 */
export async function openRegular(file: string): Promise<FileHandle | null> {
  let handle: FileHandle;
  try {
    // A pipe would otherwise be waited for until somebody writes it.
    handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new RecordingError('it is no file');
    if (found.size > MOST_HELD) throw new RecordingError('it is larger than any that is written');
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** All of it; the rest as above. */
export async function readRegular(file: string): Promise<Buffer | null> {
  const handle = await openRegular(file);
  if (handle === null) return null;
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
