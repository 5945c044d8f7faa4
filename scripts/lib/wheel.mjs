import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { build } from './build.mjs';
import { installPython, venvCommand } from './python.mjs';
import { inRoot, run } from './run.mjs';
import { Failure } from './say.mjs';

/**
 * Builds the Python package, with the web server of this checkout in it.
 * @param {string} outDir
 * @returns {Promise<string>} the wheel's path
 */
export async function buildWheel(outDir) {
  await installPython();
  await build();
  mkdirSync(outDir, { recursive: true });
  const before = new Set(readdirSync(outDir));
  const hatchling = ['-m', 'hatchling', 'build', '--target', 'wheel', '--directory', outDir];
  if ((await run(venvCommand('python'), hatchling, { quiet: true, cwd: inRoot('agent') })) !== 0) {
    throw new Failure('The wheel does not build.', 'Mend what hatchling says above; `npm run wheel` repeats it.');
  }
  const wheels = readdirSync(outDir).filter((name) => name.endsWith('.whl'));
  const wheel = wheels.find((name) => !before.has(name)) ?? wheels[0];
  if (wheel === undefined) throw new Failure(`hatchling left no wheel in ${outDir}.`, 'Please report this.');
  return path.join(outDir, wheel);
}
