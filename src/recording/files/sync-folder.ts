import { open } from 'node:fs/promises';

/** So that the names of files survive a loss of power, as their contents do. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows keeps no such promise and opens no folders.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
