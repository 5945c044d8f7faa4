import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { MIN_LEVEL } from '../../src/model/batch.ts';
import { MAX_SLICES, stringifyClientMessage } from '../../src/wire/client-message.ts';
import { MAX_WINDOWS, WIRE_VERSION } from '../../src/wire/message.ts';
import { Child } from '../support/child.ts';
import { until } from '../support/until.ts';

// Whoever asks and does not read what is answered: a server of a made history in a process of its own.

let server: Child;
let port: number;
beforeAll(async () => {
  server = new Child(process.execPath, ['test/support/history-server.mjs', '20200']);
  const [, at = ''] = await server.printed(/ tasks at http:\/\/[^/]+:(\d+)\/status/, 120_000);
  port = Number(at);
}, 180_000);
afterAll(() => server?.kill());

const url = (path: string): string => `http://127.0.0.1:${port}${path}`;

async function resident(): Promise<number> {
  const text = await (await fetch(url('/metrics'))).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
}

/** More slices than there are in one answer: shares, as fine as they get. */
const EVERYTHING = { since: 0, until: null, level: MIN_LEVEL, functions: null, maxSlices: MAX_SLICES };

/** Asks so many times on a socket that is never read. */
async function ask(path: string, times: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {}).pause();
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(times));
  return socket;
}

/** The most that is resident until the server has nothing left to do for those who do not read. */
async function mostUntilQuiet(): Promise<number> {
  let most = 0;
  let quick = 0;
  await until(
    'it answers at once again',
    async () => {
      const began = performance.now();
      expect((await fetch(url('/health'))).status).toBe(200);
      quick = performance.now() - began < 500 ? quick + 1 : 0;
      most = Math.max(most, await resident());
      return quick >= 20;
    },
    { within: 120_000 },
  );
  return most;
}

describe('who asks and does not read', () => {
  test.each([
    ['pages of 10,000 tasks', '/api/v1/tasks?limit=10000'],
    ['all tasks, a line each', '/api/v1/tasks?format=ndjson'],
    ['searches', '/api/v1/search?q=e&limit=1000&marks=1024&count=1'],
    ['exports', '/api/v1/export?format=ndjson'],
  ])('100 sockets, five questions each: %s', async (_what, path) => {
    const before = await resident();
    const sockets = await Promise.all(Array.from({ length: 100 }, () => ask(path, 5)));
    const most = await mostUntilQuiet();
    for (const socket of sockets) socket.destroy();
    expect(most - before).toBeLessThan(300e6);
    // Nothing of it stays in the way of others.
    await until('a long answer is given again', async () => {
      const answer = await fetch(url(path));
      return (await answer.text()).length > 32_768 && answer.status === 200;
    });
  });

  test('more than eight questions on one socket end it', async () => {
    const socket = await ask('/api/v1/tasks?limit=10000', 9);
    const closed = once(socket, 'close');
    socket.resume();
    await closed;
  });

  test('pages that open all the windows they may, again and again', async () => {
    const before = await resident();
    const pages = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const page = new WebSocket(url('/api/v1/live').replace('http', 'ws'));
        page.on('error', () => {});
        await once(page, 'open');
        page.pause();
        page.send(stringifyClientMessage({ kind: 'hello', version: WIRE_VERSION }));
        for (let i = 0; i < 100 * MAX_WINDOWS; i++) {
          page.send(stringifyClientMessage({ kind: 'window', id: i % MAX_WINDOWS, query: EVERYTHING }));
        }
        return page;
      }),
    );
    const most = await mostUntilQuiet();
    expect(pages.map((page) => page.readyState)).toEqual(pages.map(() => WebSocket.OPEN));
    for (const page of pages) page.terminate();
    expect(most - before).toBeLessThan(300e6);
  });
});
