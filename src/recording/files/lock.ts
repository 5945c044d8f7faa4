import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { readSmallSync } from '../regular-file.ts';
import { LOCK } from './format.ts';

const REFRESH_MS = 10_000;
/** A lock that was not refreshed for so long belongs to nobody. */
const STALE_MS = 60_000;
/** Directories that this process holds. */
const held = new Set<string>();

/** One process writes a recording. Null: another one does. Throws what the file system throws. */
export function lockRecording(directory: string): Disposable | null {
  const file = path.resolve(directory, LOCK);
  if (held.has(file) || isAlive(file)) return null;
  // One that belongs to nobody; or a link in a recording of somebody else, which is not followed.
  rmSync(file, { force: true });
  try {
    writeFileSync(file, JSON.stringify({ pid: process.pid, host: hostname() }), { flag: 'wx' });
  } catch (error) {
    // Somebody else was faster.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null;
    throw error;
  }
  held.add(file);
  const timer = setInterval(() => refresh(file), REFRESH_MS).unref();
  return {
    [Symbol.dispose]() {
      if (!held.delete(file)) return;
      clearInterval(timer);
      rmSync(file, { force: true });
    },
  };
}

/** True while some process writes the recording. */
export function isRecording(directory: string): boolean {
  const file = path.resolve(directory, LOCK);
  return held.has(file) || isAlive(file);
}

function refresh(file: string): void {
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // Its folder was deleted under us; the journal will say so.
  }
}

function isAlive(file: string): boolean {
  try {
    if (Date.now() - statSync(file).mtimeMs > STALE_MS) return false;
    const { pid, host } = JSON.parse(readSmallSync(file)) as { pid?: unknown; host?: unknown };
    if (host !== hostname()) return true;
    return typeof pid === 'number' && pid !== process.pid && isRunning(pid);
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It runs, as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
