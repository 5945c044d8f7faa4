import { pino } from 'pino';
import { TaskglassError } from '../base/errors.ts';
import type { FromPages, ServeSettings, ToPages } from '../engine/dashboard/messages.ts';
import { RemoteCluster } from '../engine/dashboard/remote-cluster.ts';
import { EmbeddedSource } from '../source/embedded.ts';
import { startServer, type TaskglassServer } from './server.ts';

/**
 * The entry point of the process that serves the main pages of an embedded cluster. The process of the scheduler starts it,
 * says how to serve, and tells it all that happens (`engine/dashboard/messages.ts`).
 */

// It lives exactly as long as the channel to the process that started it, however that one ends. Ctrl-C reaches the whole
// group of processes: what becomes of this one is for that one to say.
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => {});

const cluster = new RemoteCluster(send);
let server: TaskglassServer | null = null;

process.on('message', (message: ToPages) => {
  if (message.op === 'serve') void serve(message.settings);
  else if (message.op === 'close') void close();
  else cluster.receive(message);
});

async function serve(settings: ServeSettings): Promise<void> {
  const { logLevel, token, example, debugPort: _scheduler, workerDebugPort: _worker, ...options } = settings;
  try {
    server = await startServer({
      ...options,
      ...(token === null ? {} : { token }),
      ...(example ? { openExample: () => cluster.example() } : {}),
      source: new EmbeddedSource(cluster),
      logger: pino({ level: logLevel, name: 'taskglass' }, pino.destination(2)),
    });
    send({ op: 'ready', port: server.port, url: server.url });
  } catch (error) {
    const { code, detail } =
      error instanceof TaskglassError ? error : { code: 'INTERNAL' as const, detail: String(error) };
    process.send?.({ op: 'failed', failure: { code, detail } } satisfies FromPages, () => process.exit(1));
  }
}

async function close(): Promise<void> {
  await server?.close();
  process.exit(0);
}

function send(message: FromPages): void {
  if (process.connected) process.send?.(message);
}
