import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { TaskglassError } from '../base/errors.ts';
import { ENGINE_VERSION as VERSION } from '../engine/version.ts';
import type { RecordOptions } from '../model/record-options.ts';
import { defaultFolder } from '../recording/library.ts';
import { type AccessOptions, readAccess } from '../serving/access.ts';
import { Gate, type GateLimits, isLoopback } from '../serving/gate.ts';
import { PAGE_FOLDER, readPageFiles } from '../serving/page-files.ts';
import type { Source } from '../source/source.ts';
import { AuditLog } from './actions/audit-log.ts';
import type { ConnectionLimits } from './app.ts';
import type { IndexLimits } from './history/history-index.ts';
import { historyMemory } from './history/history-memory.ts';
import type { OpenedLimits } from './history/opened-recordings.ts';
import { createHttp } from './http.ts';
import { listen, listenOn } from './listen.ts';
import { Places } from './watched/places.ts';
import type { PublisherLimits } from './watched/publisher.ts';
import { Watched } from './watched/watched.ts';

export interface ServerOptions {
  /** What is watched. The server starts it, and closes it when it closes. */
  readonly source: Source;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 8787; 0 = any free one. */
  readonly port?: number;
  /** When `port` is taken: use the next free one from 8790 up, instead of failing with PORT_TAKEN. Default false. */
  readonly portFallback?: boolean;
  /** A listening socket, bound to `host`, that this process was started with: used as it is, in place of `port`. */
  readonly fd?: number;
  /** What stands before every path, e.g. `/user/me/taskglass`. Default none. */
  readonly prefix?: string;
  /** Asked of everyone when given. Needed beyond loopback, unless `insecure`. */
  readonly token?: string;
  /** Further names that may stand in a Host header; `.example.com` = all names below it. */
  readonly allowHosts?: readonly string[];
  /** Serve beyond loopback without a token, or with a short one. */
  readonly insecure?: boolean;
  /** HTTPS, logins by a proxy, frames. Default: none of them. */
  readonly access?: AccessOptions;
  /** Pages may act on what is watched: needs a token. What they do is written into this file, lines of JSON. Default: they may not. */
  readonly allowActions?: { readonly auditLog: string };
  /** Do not fail when the source's engine is not there: keep trying. */
  readonly wait?: boolean;
  /** Runs the example computation and resolves when it is done; offered to pages where given. */
  readonly openExample?: () => Promise<void>;
  /** Run it once as soon as the source is attached. */
  readonly exampleAtStart?: boolean;
  /** Bytes that the process is to need at most, whatever is watched. Default: TASKGLASS_MEMORY, else 512 MB. */
  readonly memory?: number;
  /** Write down what is watched. Default: not. */
  readonly record?: RecordOptions | null;
  /** What the source is called where there are several clusters. Default: its address. */
  readonly name?: string;
  /** Further clusters, served below `/clusters/ID/`. With any, none of them all needs to be there at the start. */
  readonly clusters?: readonly FurtherCluster[];
  /** The folder of recordings that can be listed and opened. Default: the one that is recorded into, else none. */
  readonly recordings?: string;
  /** The folder of the recording that the source reads, where it reads one: pages can look at any moment of it. */
  readonly directory?: string;
  /** Aborted while the server starts: everything is closed and the start fails. */
  readonly signal?: AbortSignal;
  /** Folder of the built page. Default: the one in this package. */
  readonly pageDir?: string;
  /** Default: none. */
  readonly logger?: Logger;
  readonly limits?: Partial<PublisherLimits & GateLimits & OpenedLimits & ConnectionLimits & IndexLimits>;
}

export interface FurtherCluster {
  /** Letters, digits and . _ ~ - */
  readonly id: string;
  readonly name?: string;
  readonly source: Source;
}

export interface TaskglassServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The first page, e.g. `http://127.0.0.1:8787/status`; with the token where there is one. */
  readonly url: string;
  /** Settles everything within 2 s. Idempotent. */
  close(): Promise<void>;
}

/** Everything is closed by then, whatever a source or a browser does. */
const CLOSE_MS = 2_000;

/** Characters of a token that others may try to guess. */
const LEAST_TOKEN = 16;

/**
 * Puts the parts together: a source feeds a store, a publisher tells the pages, HTTP serves them. Returns when it listens
 * and the source is attached.
 *
 * @throws {TaskglassError} PORT_TAKEN, PORT_FORBIDDEN, EXPOSED_WITHOUT_TOKEN, TOKEN_TOO_SHORT, OPTION_INVALID,
 * ACTIONS_WITHOUT_TOKEN, AUDIT_FAILED, HTTPS_FILE_UNREADABLE, HTTPS_KEY_MISMATCH, HTTPS_EXPIRED, and what `source.start` throws.
 */
export async function startServer(options: ServerOptions): Promise<TaskglassServer> {
  const { source, host = '127.0.0.1', port = 8787, token = null, allowHosts = [] } = options;
  const prefix = checkPrefix(options.prefix ?? '');
  if (token !== null && !/^[\x21-\x7e]{1,256}$/.test(token)) {
    throw new TaskglassError('OPTION_INVALID', 'a token is 1 to 256 characters of ASCII without spaces');
  }
  if (token === null && !isLoopback(host) && options.insecure !== true) {
    throw new TaskglassError(
      'EXPOSED_WITHOUT_TOKEN',
      `${host === '' ? 'all addresses' : host} can be reached from other machines`,
    );
  }
  if (token !== null && token.length < LEAST_TOKEN && !isLoopback(host) && options.insecure !== true) {
    throw new TaskglassError(
      'TOKEN_TOO_SHORT',
      `beyond this machine it needs ${LEAST_TOKEN} characters, not ${token.length}`,
    );
  }
  const { allowActions } = options;
  if (allowActions !== undefined && token === null) {
    throw new TaskglassError('ACTIONS_WITHOUT_TOKEN', 'anybody who reaches the page could act');
  }
  const audit = allowActions === undefined ? null : new AuditLog(allowActions.auditLog);
  const access = readAccess(options.access ?? {});
  const logger = options.logger ?? pino({ level: 'silent' });
  let closing: Promise<void> | null = null;
  const gate = new Gate({
    host,
    allowHosts,
    token,
    authHeader: access.authHeader,
    proxies: access.proxies,
    https: access.https !== null,
    ...(options.limits && { limits: options.limits }),
  });
  const { openExample, record, limits, directory } = options;
  const memory = historyMemory(options.memory);
  const main = new Watched({ source, openExample, record, directory, memory, limits, logger });
  const others = (options.clusters ?? []).map((cluster) => ({
    name: cluster.name ?? '',
    pages: `clusters/${cluster.id}/`,
    watched: new Watched({ source: cluster.source, record, memory, limits, logger }),
  }));
  const places = new Places({
    clusters: [{ name: options.name ?? '', pages: '', watched: main }, ...others],
    folder: options.recordings ?? (record ? (record.folder ?? defaultFolder()) : null),
    memory,
    limits,
    logger,
  });
  const page = await readPageFiles(options.pageDir ?? PAGE_FOLDER);
  const app = await createHttp({
    places,
    gate,
    access,
    audit,
    limits: options.limits,
    page,
    prefix,
    version: VERSION,
    logger,
  });

  const close = (): Promise<void> => {
    closing ??= (async () => {
      const all = Promise.allSettled([places.close(), app.close()]);
      const late = new AbortController();
      const settled = await Promise.race([all, sleep(CLOSE_MS, null, { signal: late.signal })]);
      late.abort();
      for (const result of settled ?? []) {
        if (result.status === 'rejected') logger.error({ err: result.reason }, 'closing failed');
      }
      if (settled === null) logger.warn('closing took too long and was cut short');
    })();
    return closing;
  };

  try {
    const bound =
      options.fd === undefined
        ? await listen(app, host, port, options.portFallback ?? false)
        : await listenOn(app, host, options.fd);
    gate.bind(bound, prefix);
    const starting = places.start({ wait: options.wait ?? false });
    await (options.signal === undefined ? starting : Promise.race([starting, aborted(options.signal)]));
    if (options.exampleAtStart === true) main.example?.start();
    const url = new URL(`${access.https === null ? 'http' : 'https'}://${displayHost(host)}:${bound}${prefix}/status`);
    if (token !== null) url.searchParams.set('token', token);
    return { host, port: bound, url: url.href, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Rejects once the signal is given. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_never, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Empty, or `/one/two`: of characters that mean the same in an address, a cookie and a page. */
function checkPrefix(text: string): string {
  const prefix = `/${text}`.replace(/\/+/g, '/').replace(/\/$/, '');
  if (/^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._~-]+)*$/.test(prefix)) return prefix;
  throw new TaskglassError('OPTION_INVALID', `prefix "${text}": letters, digits and . _ ~ - between slashes`);
}

/** What to type into a browser on this machine. */
function displayHost(host: string): string {
  if (host === '' || host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
