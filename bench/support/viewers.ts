import { once } from 'node:events';
import { WebSocket } from 'ws';
import { FIRST_GROUP, type WindowQuery } from '../../src/model/batch.ts';
import { WIRE_VERSION } from '../../src/wire/message.ts';
import { until } from '../../test/support/until.ts';

/** Somebody who watches a page without a browser: reads everything that the page would be sent. */
export interface Viewer extends AsyncDisposable {
  /** Bytes received. */
  readonly bytes: number;
  readonly messages: number;
}

class SocketViewer implements Viewer {
  readonly socket: WebSocket;
  bytes = 0;
  messages = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    // What was waited for then never comes, and says so.
    socket.on('error', (error) => console.error(String(error)));
    socket.on('message', (data: Buffer) => {
      this.bytes += data.length;
      this.messages++;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }
}

/** A viewer of our /status: what the page subscribes to, and a stream of the last minute, 1,000 pixels wide. */
export function watchOurs(origin: string, now: number): Promise<Viewer> {
  const since = Math.floor((now - 60) * 1e6);
  return askOurs(origin, { since, until: null, level: 15, functions: null, maxSlices: 6_000 });
}

/** How long a page that follows stays with one question on a busy cluster, and how much is in view, ms. */
const ASKS_EVERY = 5_500;
const IN_VIEW = 3_000;
const HISTORY = 60_000;

/**
 * A viewer of /status of a cluster with more rows than a screen has: of workers of so many threads each, folded, it asks for 50,
 * and for what all rows did together in the minute before it came and since.
 */
export async function watchFolded(origin: string, workers: number, threads: number): Promise<Viewer> {
  const groups = Array.from({ length: 50 }, (_, i) => ({
    row: FIRST_GROUP + 1 + i,
    ranges: [i * threads, (i + 1) * threads],
  }));
  const before = (ms: number, level: number) => Math.floor(((Date.now() - ms) * 1_000) / 2 ** level) * 2 ** level;
  const query = (): WindowQuery => {
    const open = { until: null, functions: null, tracks: [], groups, maxSlices: 48_000 };
    return { ...open, since: before(IN_VIEW, 11), level: 11 };
  };
  const viewer = await askOurs(origin, query());
  const { socket } = viewer;
  const timer = setInterval(() => socket.send(JSON.stringify({ kind: 'window', id: 1, query: query() })), ASKS_EVERY);
  socket.on('close', () => clearInterval(timer));
  const all = [{ row: FIRST_GROUP, ranges: [0, workers * threads] }];
  const history = { ...query(), since: before(HISTORY, 16), level: 16, groups: all, maxSlices: 0 };
  socket.send(JSON.stringify({ kind: 'window', id: 2, query: history }));
  return viewer;
}

async function askOurs(origin: string, query: WindowQuery): Promise<SocketViewer> {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/live`, { origin });
  const viewer = new SocketViewer(socket);
  await once(socket, 'open');
  socket.send(JSON.stringify({ kind: 'hello', version: WIRE_VERSION }));
  socket.send(JSON.stringify({ kind: 'subscribe', topics: ['running', 'resources'] }));
  socket.send(JSON.stringify({ kind: 'window', id: 1, query }));
  await until('the first messages of ours', () => viewer.messages >= 3);
  return viewer;
}

/**
 * A viewer of a page of the Bokeh dashboard: loads the document, which opens a session in the scheduler, then speaks
 * Bokeh's own protocol to it (pull the document, read its patches).
 */
export async function watchBokeh(port: number, page: string): Promise<Viewer> {
  const origin = `http://127.0.0.1:${port}`;
  const html = await (await fetch(`${origin}/${page}`)).text();
  const token = /"token":"([^"]+)"/.exec(html)?.[1];
  if (token === undefined) throw new Error(`No Bokeh session in ${origin}/${page}`);
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/${page}/ws`, ['bokeh', token], { origin });
  const viewer = new SocketViewer(socket);
  await once(socket, 'open');
  // A message has three parts or more. It says that it is ready first; asked before, it hangs up.
  await until('Bokeh to be ready', () => viewer.messages >= 3);
  for (const part of [{ msgid: '1', msgtype: 'PULL-DOC-REQ' }, {}, {}]) socket.send(JSON.stringify(part));
  await until('the Bokeh document', () => viewer.messages >= 6);
  return viewer;
}

/** Opens `count` viewers one after the other; `await using` closes them. */
export class Crowd implements AsyncDisposable {
  readonly viewers: Viewer[] = [];

  static async open(count: number, open: () => Promise<Viewer>): Promise<Crowd> {
    const crowd = new Crowd();
    try {
      while (crowd.viewers.length < count) crowd.viewers.push(await open());
      return crowd;
    } catch (error) {
      await crowd[Symbol.asyncDispose]();
      throw error;
    }
  }

  get bytes(): number {
    return this.viewers.reduce((sum, viewer) => sum + viewer.bytes, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.viewers.splice(0).map((viewer) => viewer[Symbol.asyncDispose]()));
  }
}
