import { Piscina } from 'piscina';
import { TaskglassError } from '../base/errors.ts';
import { DEBUG_SERVICE } from '../model/debug.ts';
import { DebugServer } from '../serving/debug-server.ts';
import { readPageFiles } from '../serving/page-files.ts';
import { monotonic, setClockOffset } from './clock.ts';
import type { TopicSet } from './debug/topic.ts';
import { WorkerRecord } from './debug/worker-record.ts';
import { workerTopicSet } from './debug/worker-topics.ts';
import { entryPoint, pageFolder } from './entry.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './protocol.ts';
import { WORKER_SETTINGS } from './protocol.ts';
import { DataServer } from './worker/data-server.ts';
import { watchMemory } from './worker/memory-watch.ts';
import { ResultStore } from './worker/result-store.ts';
import { TaskRunner } from './worker/task-runner.ts';
import { ReadingsTaker } from './worker/worker-readings.ts';

/**
 * The entry point of a worker process. Its main thread never runs a task: it fetches inputs, keeps results,
 * answers other workers and sends heartbeats while the threads of its pool compute.
 */

const settings = JSON.parse(process.env[WORKER_SETTINGS] ?? '{}') as WorkerSettings;
// Tasks may start processes of their own; those are nobody's workers.
delete process.env[WORKER_SETTINGS];

// A worker lives exactly as long as the channel to the process that started it, however that one ends. Ctrl-C
// reaches the whole group of processes: what becomes of the workers is for the one that started them to say.
setClockOffset(settings.clockOffset);
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => {});

let outbox: FromWorker[] = [];

/** Queues a message; all of one turn go out together. */
function send(message: FromWorker): void {
  if (outbox.length === 0) setImmediate(flush);
  outbox.push(message);
}

function flush(): void {
  const messages = outbox;
  outbox = [];
  if (process.connected) process.send!(messages);
}

const pool = new Piscina({
  filename: entryPoint('thread-main'),
  name: 'runTask',
  minThreads: settings.threads,
  maxThreads: settings.threads,
  idleTimeout: Number.POSITIVE_INFINITY,
  // A thread that sleeps in Atomics.wait between tasks would hold up what a task left running behind it.
  atomics: 'disabled',
  recordTiming: false,
});
pool.on('error', (error: unknown) => {
  process.stderr.write(`${settings.name}: error after a task had ended: ${String(error)}\n`);
  record?.note('task', `error after a task had ended: ${String(error)}`);
});

const results = new ResultStore();
const record = settings.debug === null ? null : new WorkerRecord();
const runner = new TaskRunner({ pool, threads: settings.threads, secret: settings.secret, results, send, record });
const server = new DataServer(settings.secret, (key, attempt) => results.get(key, attempt));
const readings = new ReadingsTaker();
let latency = Number.NaN;
let topics: TopicSet | null = null;

process.on('message', (operations: readonly ToWorker[]) => {
  for (const operation of operations) {
    switch (operation.op) {
      case 'compute':
        runner.compute(operation);
        break;
      case 'drop':
        runner.drop(operation);
        break;
      case 'heartbeat-ack':
        latency = monotonic() - operation.sent;
        break;
      case 'debug':
        void debug(operation.id, operation.topic);
        break;
      case 'close':
        process.exit(0);
    }
  }
});

async function heartbeat(): Promise<void> {
  const taken = await readings.take(results.nbytes, runner.executing, latency);
  record?.read(taken);
  send({ op: 'heartbeat', sent: monotonic(), readings: taken });
  setTimeout(() => void heartbeat(), settings.heartbeatMs);
}

async function debug(id: number, topic: string | null): Promise<void> {
  try {
    const view = (topic === null ? topics?.index() : await topics?.view(topic)) ?? null;
    send({ op: 'debug', id, view });
  } catch (error) {
    const expected = error instanceof TaskglassError && error.code === 'NOT_FOUND';
    send({ op: 'debug', id, view: null, ...(expected ? {} : { error: String(error) }) });
  }
}

/** Ports by name; a worker without debug pages works all the same. */
async function serveDebug(): Promise<Record<string, number>> {
  if (settings.debug === null || record === null) return {};
  const { name, threads, memoryLimit } = settings;
  const parts = { name, address, threads, memoryLimit, runner, results, server, record };
  topics = workerTopicSet(parts);
  const page = () => readPageFiles(pageFolder());
  try {
    const debugServer = await DebugServer.start({ ...settings.debug, pages: topics, page });
    return { [DEBUG_SERVICE]: debugServer.port };
  } catch (error) {
    record.note('debug', `no debug pages: ${(error as Error).message}`);
    return {};
  }
}

const [address, globals] = await Promise.all([
  server.listen(),
  pool.run(undefined, { name: 'globals' }) as Promise<string[]>,
]);
send({ op: 'ready', address, pid: process.pid, globals, services: await serveDebug() });
watchMemory(settings.memoryLimit, (status) => {
  runner.paused = status === 'paused';
  record?.note('memory', status === 'paused' ? 'paused: above 80 % of the limit' : 'running again');
  send({ op: 'status', status });
});
void heartbeat();
