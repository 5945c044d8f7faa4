import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Builds `dist` where it is older than the sources: worker processes of the engine run from there, also when the
 * tests themselves run the TypeScript sources (see `src/engine/entry.ts`).
 */
export function ensureBuilt(): void {
  const rooms = ['base', 'model', 'serving', 'engine'];
  const sources = Math.max(...rooms.map((room) => newest(`${ROOT}src/${room}`, '.ts')));
  if (newest(`${ROOT}dist/engine`, '.js', Math.min) >= sources) return;
  // Type errors are for the type check to tell; the files are written all the same.
  spawnSync(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, '-p', 'tsconfig.node.json'], { cwd: ROOT });
}

/** Milliseconds since epoch of the latest (or another) change of the files of a folder; 0 where there are none. */
function newest(folder: string, extension: string, choose: (...times: number[]) => number = Math.max): number {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const files = names.filter((name) => name.endsWith(extension) && !name.endsWith('.test.ts'));
    return files.length === 0 ? 0 : choose(...files.map((name) => statSync(`${folder}/${name}`).mtimeMs));
  } catch {
    return 0;
  }
}
