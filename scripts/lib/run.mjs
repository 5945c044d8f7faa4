import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. May hold spaces: always pass it on as one argument, never through a shell. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** @param {...string} parts */
export const inRoot = (...parts) => path.join(ROOT, ...parts);

/** How much of a quiet command's output is shown when it fails. */
const TAIL = 6_000;

/**
 * Runs a command in the checkout and waits for it. `quiet` holds its output back unless it fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean, env?: Record<string, string>, cwd?: string }} [options]
 * @returns {Promise<number>} its exit status; 1 when a signal ended it, 127 when it could not be started
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const quiet = options.quiet ?? false;
    const child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    });
    let output = '';
    /** @param {Buffer} chunk */
    const keep = (chunk) => {
      output = (output + chunk).slice(-TAIL);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(127);
    });
    child.once('close', (code) => {
      if (quiet && code !== 0) process.stderr.write(output.endsWith('\n') ? output : `${output}\n`);
      resolve(code ?? 1);
    });
  });
}

/**
 * Runs the command of an installed package with this very Node, so that neither a shell nor PATH has a say.
 * @param {string} script path below node_modules
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean, env?: Record<string, string>, cwd?: string }} [options]
 */
export function runNode(script, args, options) {
  return run(process.execPath, [inRoot('node_modules', script), ...args], options);
}
