import { pino } from 'pino';
import type { LocalClusterOptions } from '../engine/index.ts';
import { DaskSource } from '../source/dask/index.ts';
import { DemoSource } from './demo-source.ts';
import { type ServerOptions, startServer, type TaskglassServer } from './server.ts';

export { ENGINE_VERSION as VERSION } from '../engine/version.ts';
export { FIRST_FALLBACK_PORT } from './listen.ts';
export type { TaskglassServer } from './server.ts';

// The one place that picks concrete parts: which source, which log.

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

/** How to serve, whatever is watched. */
export interface ServeOptions extends Omit<ServerOptions, 'source' | 'openExample' | 'exampleAtStart' | 'logger'> {
  readonly logLevel?: LogLevel;
}

/** Watches a Dask scheduler. Throws what the server and the source throw. */
export async function serveDask(address: string, options: ServeOptions): Promise<TaskglassServer> {
  const { logLevel, ...rest } = options;
  return startServer({ ...rest, source: new DaskSource(address), logger: logTo(logLevel) });
}

/** Starts an embedded cluster, watches it and runs the example once. */
export async function serveDemo(engine: LocalClusterOptions, options: ServeOptions): Promise<TaskglassServer> {
  const { logLevel, ...rest } = options;
  const source = new DemoSource(engine);
  const server = await startServer({
    ...rest,
    source,
    openExample: () => source.example(),
    exampleAtStart: true,
    logger: logTo(logLevel),
  });
  source.announce(server.port);
  return server;
}

/** JSON lines on standard error. */
function logTo(level: LogLevel = 'warn') {
  return pino({ level, name: 'taskglass' }, pino.destination(2));
}
