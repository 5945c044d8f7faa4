import { pino } from 'pino';
import { TaskglassError } from '../base/errors.ts';
import type { LocalClusterOptions } from '../engine/index.ts';
import { directoryOf } from '../recording/reader.ts';
import type { TlsOptions } from '../source/dask/index.ts';
import { RecordingSource } from '../source/recording.ts';
import { type ServerOptions, startServer, type TaskglassServer } from './server.ts';

export { ENGINE_VERSION as VERSION } from '../engine/version.ts';
export { defaultFolder } from '../recording/library.ts';
export { isLoopback } from '../serving/gate.ts';
export { FIRST_FALLBACK_PORT } from './listen.ts';
export type { TaskglassServer } from './server.ts';

// The one place that picks concrete parts: which source, which log. What only some commands need is loaded by these.

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

/** How to serve, whatever is watched. */
export interface ServeOptions extends Omit<ServerOptions, 'source' | 'openExample' | 'exampleAtStart' | 'logger'> {
  readonly logLevel?: LogLevel;
}

/** How to reach Dask schedulers, and how to serve what they do. */
export interface ServeDaskOptions extends Omit<ServeOptions, 'name' | 'clusters'> {
  /** For tls:// addresses: paths or PEM texts. */
  readonly tls?: TlsOptions;
}

/** A scheduler and what its users call it. */
export interface NamedAddress {
  readonly address: string;
  readonly name?: string;
  /** The file that `dask scheduler --scheduler-file` writes: counts instead of the address. */
  readonly schedulerFile?: string;
}

/**
 * Watches a Dask scheduler, or several: the first at the root, the others below `/clusters/NAME/`, or `/clusters/N/` where they have no
 * name or share it. Throws what the server and the source throw.
 */
export async function serveDask(
  [first, ...others]: readonly [NamedAddress, ...NamedAddress[]],
  options: ServeDaskOptions,
): Promise<TaskglassServer> {
  const { logLevel, tls, ...rest } = options;
  const { DaskSource } = await import('../source/dask/index.ts');
  const sourceOf = ({ address, schedulerFile }: NamedAddress) =>
    new DaskSource(schedulerFile === undefined ? address : { schedulerFile }, { ...(tls && { tls }) });
  const ids = new Set<string>();
  const clusters = others.map((cluster, i) => {
    const name = (cluster.name ?? '')
      .toLowerCase()
      .replace(/[^a-z0-9._~-]+/g, '-')
      .replace(/^[^a-z0-9]+|-+$/g, '')
      .slice(0, 64);
    const id = name === '' || ids.has(name) || /^\d+$/.test(name) ? String(i + 2) : name;
    ids.add(id);
    return { id, name: cluster.name ?? cluster.address, source: sourceOf(cluster) };
  });
  return startServer({
    ...rest,
    source: sourceOf(first),
    name: first.name ?? first.address,
    ...(clusters.length > 0 && { clusters }),
    logger: logTo(logLevel),
  });
}

/** Shows a recording. Throws what the server does, and NOT_A_RECORDING, RECORDING_VERSION. */
export async function serveRecording(file: string, options: ServeOptions): Promise<TaskglassServer> {
  const { logLevel, ...rest } = options;
  const directory = await directoryOf(file);
  return startServer({ ...rest, source: new RecordingSource(file), directory, logger: logTo(logLevel) });
}

/** Starts an embedded cluster with its web interface and runs the example once. Throws what `LocalCluster.start` throws. */
export async function serveDemo(engine: LocalClusterOptions, options: ServeOptions): Promise<TaskglassServer> {
  const {
    host = '127.0.0.1',
    port,
    portFallback = false,
    token,
    signal,
    logLevel,
    prefix,
    allowHosts,
    insecure,
    access,
    record,
    recordings,
    allowActions,
    memory,
  } = options;
  const { LocalCluster, runExample } = await import('../engine/index.ts');
  const cluster = await LocalCluster.launch(
    {
      ...engine,
      dashboard: {
        host,
        ...(port !== undefined && !portFallback && { port }),
        ...(prefix !== undefined && { prefix }),
        ...(token !== undefined && { token }),
        ...(allowHosts !== undefined && { allowHosts }),
        ...(insecure !== undefined && { insecure }),
        ...(access !== undefined && { access }),
        ...(logLevel !== undefined && { logLevel }),
        ...(record && { record }),
        ...(recordings !== undefined && { recordings }),
        ...(allowActions !== undefined && { allowActions }),
        ...(memory !== undefined && { memory }),
      },
    },
    { example: runExample, ...(signal !== undefined && { signal }) },
  );
  const close = (): Promise<void> => cluster.close();
  const { dashboardLink: url, services } = cluster;
  if (url === null || services.dashboard === undefined) {
    await close();
    throw new TaskglassError('INTERNAL', 'the process of the pages did not start');
  }
  return { host, port: services.dashboard, url, close, [Symbol.asyncDispose]: close };
}

/** JSON lines on standard error. */
function logTo(level: LogLevel = 'warn') {
  return pino({ level, name: 'taskglass' }, pino.destination(2));
}
