import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Folders that hold what was made or installed, never what was written. */
const MADE = new Set(['node_modules', 'dist', 'out', '__pycache__', 'recordings']);

/**
 * The project's own files below `folder`, as paths from the checkout's root with forward slashes, sorted. Hidden folders
 * and what is made by tools are left out.
 */
export function filesUnder(folder: string): string[] {
  const found: string[] = [];
  const walk = (at: string): void => {
    for (const entry of readdirSync(path.join(ROOT, at), { withFileTypes: true })) {
      const name = at === '' ? entry.name : `${at}/${entry.name}`;
      if (entry.isFile()) found.push(name);
      else if (entry.isDirectory() && !entry.name.startsWith('.') && !MADE.has(entry.name)) walk(name);
    }
  };
  walk(folder);
  return found.sort();
}

export function readProjectFile(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}
