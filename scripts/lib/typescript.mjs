import { inRoot } from './run.mjs';

/**
 * Loads a TypeScript module of this checkout into this process; the oldest Node that is supported cannot by itself.
 * @param {string} file path from the checkout
 * @returns {Promise<Record<string, unknown>>}
 */
export async function importTypescript(file) {
  const { runnerImport } = await import('vite');
  /** @type {import('vite').InlineConfig} */
  const config = { configFile: false, root: inRoot(), oxc: { target: 'es2023' } };
  const { module } = await runnerImport(inRoot(file), config);
  return /** @type {Record<string, unknown>} */ (module);
}
