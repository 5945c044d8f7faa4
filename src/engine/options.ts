import { availableParallelism, totalmem } from 'node:os';
import { TaskglassError } from '../base/errors.ts';
import { parseBytes } from '../base/parse-bytes.ts';
import type { Bytes } from '../model/units.ts';
import { type DashboardOptions, type DashboardSettings, dashboardSettings } from './dashboard/options.ts';

export interface LocalClusterOptions {
  /** Worker processes. Default: the number of cores, at least 2 and at most 4. */
  readonly workers?: number;
  /** Threads of each worker, each of which runs one task at a time. Default: enough for all cores, at least 2. */
  readonly threadsPerWorker?: number;
  /**
   * Memory of each worker process: bytes, or text like `'512MB'` or `'2GiB'`. A worker takes no new tasks above
   * 80 % of it. 0 = no limit. Default: the machine's memory divided by the workers.
   */
  readonly memoryLimit?: number | string;
  /** Node options of the worker processes, for example `['--import', 'tsx']`. Default: none. */
  readonly execArgv?: readonly string[];
  /** The web interface: `false` = none, or how it is served. Default `true`: on this machine, at port 8787. */
  readonly dashboard?: boolean | DashboardOptions;
}

export interface ClusterSettings {
  readonly workers: number;
  readonly threadsPerWorker: number;
  readonly memoryLimit: Bytes;
  readonly execArgv: readonly string[];
  /** Null = no web interface, of any process. */
  readonly dashboard: DashboardSettings | null;
}

const MOST_WORKERS = 256;
const MOST_THREADS = 256;
/** A Node process with a thread pool is about this large before it holds anything. */
const LEAST_MEMORY = 64e6;

/** @throws OPTION_INVALID naming the option and what it may be, EXPOSED_WITHOUT_TOKEN */
export function settingsOf(options: LocalClusterOptions): ClusterSettings {
  const names = ['workers', 'threadsPerWorker', 'memoryLimit', 'execArgv', 'dashboard'];
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw invalid(`there is no option "${name}"; there are ${names.join(', ')}`);
  }
  const cores = availableParallelism();
  const workers = count('workers', options.workers, MOST_WORKERS) ?? Math.min(Math.max(cores, 2), 4);
  const threadsPerWorker =
    count('threadsPerWorker', options.threadsPerWorker, MOST_THREADS) ?? Math.max(2, Math.ceil(cores / workers));
  const execArgv = options.execArgv ?? [];
  if (!Array.isArray(execArgv) || execArgv.some((argument) => typeof argument !== 'string')) {
    throw invalid('execArgv must be an array of strings');
  }
  const dashboard = dashboardSettings(options.dashboard ?? true);
  return { workers, threadsPerWorker, memoryLimit: memory(options.memoryLimit, workers), execArgv, dashboard };
}

function count(name: string, value: number | undefined, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw invalid(`${name} must be a whole number from 1 to ${most}, not ${String(value)}`);
  }
  return value;
}

function memory(value: number | string | undefined, workers: number): Bytes {
  if (value === undefined) return Math.floor(machineMemory() / workers);
  const bytes = typeof value === 'string' ? parseBytes(value) : value;
  if (bytes === 0) return 0;
  if (typeof bytes !== 'number' || !Number.isFinite(bytes) || bytes < LEAST_MEMORY) {
    throw invalid(`memoryLimit must be 0 or at least 64 MB, as bytes or like '512MB', not ${String(value)}`);
  }
  return Math.floor(bytes);
}

/** What this process may use: a container's limit where there is one. */
function machineMemory(): Bytes {
  const limit = process.constrainedMemory();
  const total = totalmem();
  return limit > 0 && limit < total ? limit : total;
}

function invalid(detail: string): TaskglassError {
  return new TaskglassError('OPTION_INVALID', detail);
}
