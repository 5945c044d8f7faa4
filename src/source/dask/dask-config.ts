import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { TaskglassError } from '../../base/errors.ts';
import { isRecord } from './comm/msgpack.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Of one file: nobody's configuration is larger, and whatever lies in that folder is read. */
const MAX_FILE = 1024 * 1024;

/**
 * What Dask's own configuration says under these keys (`distributed.comm.tls.ca-file`), as `dask.config` reads it: YAML
 * and JSON files in `/etc/dask` (or DASK_ROOT_CONFIG), `~/.config/dask` and DASK_CONFIG, later ones first, and before all
 * of them the environment (`DASK_DISTRIBUTED__COMM__TLS__CA_FILE`). Only texts that are not empty count. The folders
 * of a Python installation are not looked into: which one would be meant is not known here.
 *
 * Throws DASK_CONFIG_INVALID for a file that cannot be parsed.
 */
export async function daskConfig<K extends string>(
  keys: readonly K[],
  environment: Environment = process.env,
): Promise<Partial<Record<K, string>>> {
  const found: Partial<Record<K, string>> = {};
  for (const key of keys) {
    const value = fromEnvironment(key, environment);
    if (value !== undefined) found[key] = value;
  }
  if (keys.every((key) => found[key] !== undefined)) return found;
  for (const file of (await configFiles(environment)).reverse()) {
    const tree = await readTree(file);
    for (const key of keys) {
      const value = lookUp(tree, key.split('.'));
      if (found[key] === undefined && value !== undefined) found[key] = value;
    }
  }
  return found;
}

/** `a.b-c` is DASK_A__B_C; Dask takes any case of the letters and `-` for `_`. */
function fromEnvironment(key: string, environment: Environment): string | undefined {
  const wanted = `dask_${key.replaceAll('.', '__')}`.replaceAll('-', '_').toLowerCase();
  for (const [name, value] of Object.entries(environment)) {
    if (name.startsWith('DASK_') && name.toLowerCase() === wanted) return text(value);
  }
  return undefined;
}

/** Lowest priority first. */
async function configFiles(environment: Environment): Promise<string[]> {
  const home = environment.HOME ?? homedir();
  const places = [environment.DASK_ROOT_CONFIG ?? '/etc/dask', path.join(home, '.config', 'dask')];
  if (environment.DASK_CONFIG) places.push(environment.DASK_CONFIG);
  const files: string[] = [];
  for (const place of places) {
    const names = await readdir(place).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOTDIR' ? null : []));
    if (names === null) files.push(place);
    else
      files.push(
        ...names
          .filter((name) => /\.(json|ya?ml)$/i.test(name))
          .map((name) => path.join(place, name))
          .sort(),
      );
  }
  return files;
}

async function readTree(file: string): Promise<unknown> {
  let source: string;
  try {
    if ((await stat(file)).size > MAX_FILE) return undefined;
    source = await readFile(file, 'utf8');
  } catch {
    // As Dask does: a file that may not be read says nothing.
    return undefined;
  }
  try {
    return parse(source, { logLevel: 'error', maxAliasCount: 100 });
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new TaskglassError('DASK_CONFIG_INVALID', `${file}: ${why}`, { cause: error });
  }
}

/** Dask takes `_` for `-` in every name. */
function lookUp(tree: unknown, names: readonly string[]): string | undefined {
  const [name, ...rest] = names;
  if (name === undefined) return text(tree);
  if (!isRecord(tree)) return undefined;
  const entry = Object.entries(tree).find(([key]) => key.replaceAll('_', '-') === name);
  return entry && lookUp(entry[1], rest);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
