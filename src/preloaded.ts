import { once } from 'node:events';
import { z } from 'zod';
import { TaskglassError } from './base/errors.ts';
import { defaultFolder, LOG_LEVELS, serveDask } from './server/main.ts';

// The main server as the child of a Dask scheduler, which the Python package starts.
//
// It is told what to do by one line of JSON on standard input (an argument or the environment would show the token to
// everybody on the machine), says `{"ready":true,"port":N}` on standard output, and ends when standard input does: however
// its scheduler ended, the pipe to it is closed. What it logs goes to standard error, as JSON.

const CONFIG = z.strictObject({
  address: z.string(),
  /** The address that is listened on. */
  host: z.string(),
  /** A listening socket at that address; without it `port` is bound. */
  fd: z.int().min(3).optional(),
  port: z.int().min(0).max(65_535).optional(),
  prefix: z.string().optional(),
  token: z.string().optional(),
  allowHosts: z.array(z.string()).optional(),
  pageDir: z.string().optional(),
  logLevel: z.enum(LOG_LEVELS).optional(),
  /** What is kept of what is written down (seconds, bytes); null: nothing is written down. */
  record: z
    .strictObject({
      maxAge: z.number().min(0).optional(),
      maxSize: z.number().min(0).optional(),
      maxCount: z.int().min(0).optional(),
    })
    .nullable()
    .default(null),
  /** The folder of recordings. Default: TASKGLASS_RECORD_DIR, else the place that the platform has for data. */
  recordings: z.string().optional(),
  /** For an address that begins with tls://: paths or PEM texts. */
  tls: z.strictObject({ ca: z.string(), cert: z.string(), key: z.string().optional() }).optional(),
});

/** A bundle of CAs may be long. */
const MAX_CONFIG = 2 * 1024 * 1024;
/** A process that was forked off the scheduler's may hold the pipe open after it: then only this tells. */
const PARENT_CHECK_MS = 1_000;

async function main(): Promise<void> {
  // Whoever read our output may have gone; that is no reason to end.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const gone = new AbortController();
  process.stdin.once('close', () => gone.abort());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => gone.abort());
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) gone.abort();
  }, PARENT_CHECK_MS).unref();

  const line = await firstLine();
  if (line === null) return;
  const { address, tls, record, recordings, ...options } = readConfig(line);
  const folder = recordings ?? process.env.TASKGLASS_RECORD_DIR ?? defaultFolder();
  // The scheduler answers no question before its preloads are done, and we are one of them.
  const starting = serveDask([{ address }], {
    ...definedOnly(options),
    record: record && { ...definedOnly(record), folder },
    recordings: folder,
    // Without a key of its own the certificate's text holds it.
    ...(tls && { tls: { caFile: tls.ca, cert: tls.cert, key: tls.key ?? tls.cert } }),
    wait: true,
    signal: gone.signal,
  });
  const server = await starting.catch((error: unknown) => {
    if (gone.signal.aborted) return null;
    throw error;
  });
  if (server === null) return;
  process.stdout.write(`${JSON.stringify({ ready: true, port: server.port })}\n`);
  if (!gone.signal.aborted) await once(gone.signal, 'abort');
  await server.close();
}

/** Reads on after the first line, since only a stream that is read comes to its end. Null: it ended before. */
function firstLine(): Promise<string | null> {
  return new Promise((resolve) => {
    let text = '';
    process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.length <= MAX_CONFIG) text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0 || text.length > MAX_CONFIG) resolve(text.slice(0, end < 0 ? undefined : end));
    });
    process.stdin.once('close', () => resolve(null));
  });
}

function readConfig(line: string): z.infer<typeof CONFIG> {
  try {
    return CONFIG.parse(JSON.parse(line));
  } catch (error) {
    throw new TaskglassError('OPTION_INVALID', 'the line on standard input is not what this server takes', {
      cause: error,
    });
  }
}

/** An option that is there and undefined is not the same as none. */
function definedOnly<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

try {
  await main();
  process.exit(0);
} catch (error) {
  const { code, message } =
    error instanceof TaskglassError ? error : { code: 'INTERNAL', message: String((error as Error).stack ?? error) };
  process.stderr.write(`${JSON.stringify({ level: 60, code, msg: message })}\n`);
  process.exit(1);
}
