import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { WebSocket } from 'ws';
import { decode } from '../src/wire/decode.ts';
import { type ClientMessage, type Topic, WIRE_VERSION } from '../src/wire/message.ts';
import { DaskCluster } from '../test/support/dask-cluster.ts';
import { ROOT } from '../test/support/project-files.ts';
import { Taskglass } from '../test/support/taskglass.ts';
import { until } from '../test/support/until.ts';
import { fixed, report } from './support/report.ts';
import { residentAtMost } from './support/resident.ts';

export interface Options {
  readonly tasks: number;
}

const BATCH = 2_000;
/** The last round has somebody at each of these pages, which subscribe to so much. */
const PAGES: Readonly<Record<'status' | 'tasks', readonly Topic[]>> = {
  status: ['running', 'resources'],
  tasks: ['running'],
};

interface Cpu {
  readonly user: number;
  readonly system: number;
}

/** Something that bytes come from. */
interface Counted extends AsyncDisposable {
  /** So many came so far, as they were on the wire. */
  readonly bytes: number;
}

/**
 * The whole way of a finished task, from the scheduler's transition through our agent, TCP, the decoder and the recording on disk
 * into the store, and to pages: what a task costs our process and the lines. The transitions are injected, as no cluster on one
 * machine finishes tasks that fast.
 */
export async function main({ tasks }: Options): Promise<void> {
  await using cluster = await DaskCluster.start({ workers: 1, threads: 4 });
  await using line = await Relay.start(cluster.port);
  await using taskglass = await Taskglass.start([line.address]);
  const driver = await cluster.client();
  await driver.run(readFileSync(path.join(ROOT, 'test/soak/soak.py'), 'utf8'));
  const rows = [];
  const data = [];
  const start = Date.now() / 1000;
  for (const [round, what] of ['the first', 'warmed up', 'with two pages open'].entries()) {
    const isWatched = round === 2;
    await using status = isWatched ? await Viewer.open(taskglass.origin, 'status', start) : null;
    await using stream = isWatched ? await Viewer.open(taskglass.origin, 'tasks', start) : null;
    const counted = [line, status, stream];
    const bytesBefore = counted.map((one) => one?.bytes ?? Number.NaN);
    const before = await cpuOf(taskglass);
    const began = performance.now();
    const first = round * tasks;
    await driver.run(
      `for first in range(${first}, ${first + tasks}, ${BATCH}):\n    client.run_on_scheduler(inject, first=first, count=${BATCH})`,
      600_000,
    );
    await until(
      'all of them',
      async () => (await taskglass.api<{ total: number }>('tasks?limit=1')).total >= first + tasks,
      { within: 120_000, every: 250 },
    );
    const seconds = (performance.now() - began) / 1000;
    const after = await cpuOf(taskglass);
    const [received, toStatus, toTasks] = counted.map((one, i) => (one?.bytes ?? Number.NaN) - (bytesBefore[i] ?? 0));
    const cpu = after.user + after.system - before.user - before.system;
    const resident = residentAtMost(taskglass.child.pid);
    const aTask = (bytes = Number.NaN): string => fixed(bytes / tasks, 1);
    rows.push([
      what,
      fixed(tasks / seconds / 1000, 1),
      fixed((cpu / tasks) * 1e6, 1),
      fixed(tasks / cpu / 1000, 0),
      fixed(resident / 1e6, 0),
      aTask(received),
      aTask(toStatus),
      aTask(toTasks),
    ]);
    data.push({ what, tasks, seconds, cpu, resident, received, ...(isWatched && { toStatus, toTasks }) });
  }
  report({
    name: 'ingest',
    about: `${tasks} tasks each time, from the transition in a real scheduler to the store, recorded on the way. CPU is that of our process with all of its threads, sealing and queries of this bench included; its memory is that of a server which nobody told how much. Bytes are what TCP carried, for tasks of one compute and keys of some 15 characters: everything from the scheduler, and what each of two pages was sent that follow what happens. A page is told a few times a second, whatever finished: the faster tasks finish, the fewer bytes each is to it.`,
    head: [
      'tasks',
      'thousand/s as they came',
      'our CPU per task, µs',
      'thousand/s that a core would take',
      'resident at its highest, MB',
      'bytes a task from the scheduler',
      '… to /status',
      '… to /tasks',
    ],
    rows,
    data,
  });
}

async function cpuOf(taskglass: Taskglass): Promise<Cpu> {
  const metrics = await (await fetch(taskglass.url('/metrics'))).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
  return { user: value('process_cpu_user_seconds_total'), system: value('process_cpu_system_seconds_total') };
}

/** Stands between a scheduler and who connects to it, and counts what the scheduler sends. */
class Relay implements Counted {
  readonly #upstream = new Set<Socket>();
  readonly #server;

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const upstream = connect(port, '127.0.0.1');
      this.#upstream.add(upstream);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        from.setNoDelay(true);
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
  }

  static async start(port: number): Promise<Relay> {
    const relay = new Relay(port);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get address(): string {
    return `tcp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get bytes(): number {
    return [...this.#upstream].reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#upstream) socket.destroy();
  }
}

/** Somebody at a page, without a browser that would take the cores from what is measured: asks for what the page would. */
class Viewer implements Counted {
  readonly #socket: WebSocket;
  readonly #line: Socket;

  private constructor(socket: WebSocket, line: Socket) {
    this.#socket = socket;
    this.#line = line;
  }

  /** `start`: of the history, epoch seconds. */
  static async open(origin: string, page: keyof typeof PAGES, start: number): Promise<Viewer> {
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/live`, { origin });
    const answered = new Set<string>();
    socket.on('message', (data: Buffer) => {
      // Columns are viewed in place, which only a copy's alignment allows.
      const message = decode(Uint8Array.from(data));
      answered.add(message.kind === 'window' ? `window ${message.id}` : message.kind);
    });
    const [[response]] = (await Promise.all([once(socket, 'upgrade'), once(socket, 'open')])) as [
      [IncomingMessage],
      [],
    ];
    const ask = (message: ClientMessage): void => socket.send(JSON.stringify(message));
    const common = { until: null, functions: null };
    ask({ kind: 'hello', version: WIRE_VERSION });
    ask({ kind: 'subscribe', topics: PAGES[page] });
    // A stream of six seconds on 1,440 pixels with what lies left of it, and the minimap below it.
    const since = (Date.now() - 10_500) * 1_000;
    ask({ kind: 'window', id: 1, query: { ...common, since, level: 12, maxSlices: 6_000 } });
    ask({ kind: 'window', id: 2, query: { ...common, since: Math.floor(start * 1e6), level: 15, maxSlices: 0 } });
    const wanted = ['hello', 'state', 'window 1', 'window 2', ...PAGES[page]];
    await until(`the first messages to /${page}`, () => wanted.every((one) => answered.has(one)));
    return new Viewer(socket, response.socket);
  }

  get bytes(): number {
    return this.#line.bytesRead;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }
}
