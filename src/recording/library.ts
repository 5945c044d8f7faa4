import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { RetentionLimits } from '../model/record-options.ts';
import type { Bytes } from '../model/units.ts';
import {
  EVENTS,
  eventsFile,
  JOURNAL,
  journalFile,
  MANIFEST,
  type Manifest,
  numberOf,
  PINNED,
  parseManifest,
  TASKS,
  tasksFile,
} from './files/format.ts';
import { INDEX } from './files/index-file.ts';
import { isRecording } from './files/lock.ts';
import { readSmall } from './regular-file.ts';

/** Where recordings lie when nobody says where: the place for data that this platform has. */
export function defaultFolder(
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
): string {
  if (platform === 'win32')
    return path.join(env.LOCALAPPDATA ?? path.join(homedir(), 'AppData', 'Local'), 'taskglass', 'recordings');
  if (platform === 'darwin') return path.join(homedir(), 'Library', 'Application Support', 'taskglass', 'recordings');
  const data = env.XDG_DATA_HOME;
  // The convention says that a path that is not absolute is to be ignored.
  const base = data !== undefined && path.isAbsolute(data) ? data : path.join(homedir(), '.local', 'share');
  return path.join(base, 'taskglass', 'recordings');
}

/** The folder of a scheduler's recording: its id, where that can be a name of a folder anywhere. */
export function folderName(id: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/.test(id) && !id.endsWith('.')) return id;
  const safe = id.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 40);
  return `${safe}-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;
}

export interface Recording {
  readonly directory: string;
  readonly manifest: Manifest;
  readonly bytes: Bytes;
  /** When it was written last, in milliseconds of this machine's clock. */
  readonly written: number;
  readonly pinned: boolean;
  /** A process writes it now. */
  readonly active: boolean;
  readonly segments: readonly Segment[];
}

interface Segment {
  readonly number: number;
  readonly bytes: Bytes;
  readonly written: number;
  /** False while it is a journal. */
  readonly sealed: boolean;
}

/** The recordings in a folder, the one that was written last first. What is none is passed over. */
export async function listRecordings(folder: string): Promise<Recording[]> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(names.map((name) => describe(path.join(folder, name))));
  return found.filter((one) => one !== null).sort((a, b) => b.written - a.written);
}

async function describe(directory: string): Promise<Recording | null> {
  try {
    const file = path.join(directory, MANIFEST);
    const manifest = parseManifest(await readSmall(file), file);
    const segments = await segmentsOf(directory);
    const written = Math.max((await stat(file)).mtimeMs, ...segments.map((segment) => segment.written));
    return {
      directory,
      manifest,
      bytes: segments.reduce((sum, { bytes }) => sum + bytes, await indexBytes(directory)),
      written,
      pinned: existsSync(path.join(directory, PINNED)),
      active: isRecording(directory),
      segments,
    };
  } catch {
    return null;
  }
}

/** What makes it open fast counts, too. */
export async function indexBytes(directory: string): Promise<Bytes> {
  const folder = path.join(directory, INDEX);
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(names.map((name) => stat(path.join(folder, name)).catch(() => null)));
  return sizes.reduce((sum, found) => sum + (found?.size ?? 0), 0);
}

export async function segmentsOf(directory: string): Promise<Segment[]> {
  const segments = new Map<number, Segment>();
  for (const folder of [TASKS, EVENTS, JOURNAL]) {
    for (const name of await readdir(path.join(directory, folder)).catch(() => [])) {
      const number = numberOf(name);
      const found = number === null ? null : await stat(path.join(directory, folder, name)).catch(() => null);
      if (number === null || found === null) continue;
      const before = segments.get(number) ?? { number, bytes: 0, written: 0, sealed: false };
      segments.set(number, {
        number,
        bytes: before.bytes + found.size,
        written: Math.max(before.written, found.mtimeMs),
        sealed: before.sealed || folder === EVENTS,
      });
    }
  }
  return [...segments.values()].sort((a, b) => a.number - b.number);
}

/**
 * Deletes what is too old, too much or too many, oldest first: whole recordings, and of those that are being written their oldest
 * sealed segments. Pinned ones stay and are not counted. Returns what was deleted.
 */
export async function enforceRetention(
  folder: string,
  { maxAge, maxSize, maxCount }: RetentionLimits,
  now: number = Date.now(),
): Promise<string[]> {
  const deleted: string[] = [];
  const recordings = (await listRecordings(folder)).filter(({ pinned }) => !pinned);
  let size = 0;
  for (const [rank, recording] of recordings.entries()) {
    const tooOld = now - recording.written > maxAge * 1000;
    if (!recording.active && (rank >= maxCount || tooOld || size + recording.bytes > maxSize)) {
      await rm(recording.directory, { recursive: true, force: true });
      deleted.push(recording.directory);
      continue;
    }
    size += recording.bytes;
  }
  for (const { directory, segments } of recordings.filter(({ active }) => active)) {
    for (const { number, bytes, written, sealed } of segments) {
      if (!sealed || !(now - written > maxAge * 1000 || size > maxSize)) break;
      await rm(tasksFile(directory, number), { force: true });
      await rm(eventsFile(directory, number), { force: true });
      await rm(journalFile(directory, number), { force: true });
      deleted.push(eventsFile(directory, number));
      size -= bytes;
    }
  }
  return deleted;
}
