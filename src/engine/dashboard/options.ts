import { TaskglassError } from '../../base/errors.ts';
import type { RecordOptions } from '../../model/record-options.ts';
import { type AccessOptions, readAccess } from '../../serving/access.ts';
import { isLoopback } from '../../serving/gate.ts';

/** How the web interface of a cluster is served. */
export interface DashboardOptions {
  /** Address to listen on. Default 127.0.0.1: only this machine. */
  readonly host?: string;
  /** Port of the pages. Default 8787, and when that is taken the next free one from 8790 up; one that is given is never replaced. */
  readonly port?: number;
  /** Port of the scheduler's debug pages, in this process. Default 8788; a free one when taken. 0 = any. */
  readonly debugPort?: number;
  /** Port of a worker's debug pages, in its process. Default 8789; a free one when taken, as for all workers but one. 0 = any. */
  readonly workerDebugPort?: number;
  /** What stands before every path of the pages, like `/user/me`. */
  readonly prefix?: string;
  /** Asked of everyone, by all three servers. Needed beyond loopback, unless `insecure`. */
  readonly token?: string;
  /** Further names under which they are served; `.example.com` = all names below it. */
  readonly allowHosts?: readonly string[];
  /** Serve beyond this machine without a token. */
  readonly insecure?: boolean;
  /** HTTPS, logins by a proxy, frames: of the main pages. The debug servers know the token alone and speak plain HTTP. */
  readonly access?: AccessOptions;
  /** What the process of the pages logs on standard error. Default `warn`. */
  readonly logLevel?: (typeof DASHBOARD_LOG_LEVELS)[number];
  /** Write down what happens, for when the cluster is gone. Default: not. */
  readonly record?: RecordOptions;
  /** The folder of recordings that the pages list and open. Default: the one that is recorded into, else none. */
  readonly recordings?: string;
  /** The pages may cancel, retry, rerun and restart tasks: needs a `token`. What they do is written into this file, lines of JSON. Default: they may not. */
  readonly allowActions?: { readonly auditLog: string };
  /** Bytes that the process of the pages is to need at most. Default 512 MB. */
  readonly memory?: number;
}

export const DASHBOARD_LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** The options with their defaults. Travels to the process of the pages. */
export interface DashboardSettings {
  readonly host: string;
  readonly port: number;
  readonly portFallback: boolean;
  readonly debugPort: number;
  readonly workerDebugPort: number;
  readonly prefix: string;
  readonly token: string | null;
  readonly allowHosts: readonly string[];
  readonly insecure: boolean;
  readonly access: AccessOptions;
  readonly logLevel: (typeof DASHBOARD_LOG_LEVELS)[number];
  readonly record: RecordOptions | null;
  readonly recordings?: string;
  readonly allowActions?: { readonly auditLog: string };
  readonly memory?: number;
}

const PORT = 8787;
const SCHEDULER_DEBUG_PORT = 8788;
const WORKER_DEBUG_PORT = 8789;

/** @returns null: there is to be no web interface. @throws OPTION_INVALID, EXPOSED_WITHOUT_TOKEN, ACTIONS_WITHOUT_TOKEN, and what `readAccess` throws */
export function dashboardSettings(value: boolean | DashboardOptions): DashboardSettings | null {
  if (value === false) return null;
  const options: DashboardOptions = value === true ? {} : value;
  if (typeof options !== 'object' || options === null) throw invalid('dashboard must be true, false or an object');
  for (const [name, given] of Object.entries(options)) {
    const check = CHECKS[name];
    if (check === undefined) {
      throw invalid(`dashboard has no option "${name}"; there are ${Object.keys(CHECKS).join(', ')}`);
    }
    if (given !== undefined && !check.test(given)) throw invalid(`dashboard.${name} must be ${check.is}`);
  }
  const { host = '127.0.0.1', port, token = null, insecure = false } = options;
  if (token === null && !insecure && !isLoopback(host)) {
    throw new TaskglassError('EXPOSED_WITHOUT_TOKEN', `${host || 'all addresses'} can be reached from other machines`);
  }
  if (options.allowActions !== undefined && token === null) {
    throw new TaskglassError('ACTIONS_WITHOUT_TOKEN', 'anybody who reaches the page could act');
  }
  // A file that cannot be read is the asker's to hear of, before anything is started.
  readAccess(options.access ?? {});
  return {
    host,
    port: port ?? PORT,
    portFallback: port === undefined,
    debugPort: options.debugPort ?? SCHEDULER_DEBUG_PORT,
    workerDebugPort: options.workerDebugPort ?? WORKER_DEBUG_PORT,
    prefix: options.prefix ?? '',
    token,
    allowHosts: options.allowHosts ?? [],
    insecure,
    access: options.access ?? {},
    logLevel: options.logLevel ?? 'warn',
    record: options.record ?? null,
    ...(options.recordings !== undefined && { recordings: options.recordings }),
    ...(options.allowActions !== undefined && { allowActions: options.allowActions }),
    ...(options.memory !== undefined && { memory: options.memory }),
  };
}

interface Check {
  readonly is: string;
  test(value: unknown): boolean;
}

const TEXT: Check = { is: 'text', test: (value) => typeof value === 'string' };
const PORT_NUMBER: Check = {
  is: 'a whole number from 0 to 65535',
  test: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535,
};
const CHECKS: Readonly<Record<string, Check>> = {
  host: TEXT,
  port: PORT_NUMBER,
  debugPort: PORT_NUMBER,
  workerDebugPort: PORT_NUMBER,
  prefix: TEXT,
  token: {
    is: '1 to 256 characters of ASCII without spaces',
    test: (value) => typeof value === 'string' && /^[\x21-\x7e]{1,256}$/.test(value),
  },
  allowHosts: {
    is: 'an array of names',
    test: (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
  },
  insecure: { is: 'true or false', test: (value) => typeof value === 'boolean' },
  access: { is: 'an object', test: (value) => typeof value === 'object' && value !== null },
  memory: { is: 'bytes, from 16 MB up', test: (value) => typeof value === 'number' && value >= 16e6 },
  record: { is: 'an object', test: (value) => typeof value === 'object' },
  recordings: TEXT,
  allowActions: {
    is: 'an object with auditLog, the name of a file',
    test: (value) => typeof (value as { auditLog?: unknown } | null)?.auditLog === 'string',
  },
  logLevel: {
    is: `one of ${DASHBOARD_LOG_LEVELS.join(', ')}`,
    test: (value) => DASHBOARD_LOG_LEVELS.some((level) => level === value),
  },
};

function invalid(detail: string): TaskglassError {
  return new TaskglassError('OPTION_INVALID', detail);
}
