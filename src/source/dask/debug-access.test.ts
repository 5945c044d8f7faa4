import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DebugTarget } from '../source.ts';
import { FrameParser } from './comm/frames.ts';
import { decodeMessage, encodeMessage } from './comm/message.ts';
import { isRecord, type Value } from './comm/msgpack.ts';
import { DaskDebugAccess, type KnownProcesses } from './debug-access.ts';

const SCHEDULER: DebugTarget = { role: 'scheduler' };
const ONE: DebugTarget = { role: 'worker', worker: 'one' };
const VIEW = {
  topic: 'logs',
  title: 'Logs',
  time: 1,
  cost: 0,
  facts: [],
  tables: [],
  series: [],
  trees: [],
  notes: [],
};
const INDEX = { role: 'worker', name: 'one', address: 'tcp://w:1', engine: 'dask', version: '1', pid: 1, topics: [] };
const ok = (value: unknown) => ({ status: 'OK', json: JSON.stringify(value) });

/** What the process says; undefined = nothing, ever. */
let answer: (message: { [key: string]: Value }) => unknown;
let asked: { [key: string]: Value }[];
let sockets: Set<Socket>;
let server: Server;
let access: DaskDebugAccess;
/** The same, out of patience. */
let hasty: DaskDebugAccess;
let known: { scheduler: Readonly<Record<string, number>> | undefined };

/** Speaks Dask's protocol as far as one question and its answer. */
beforeEach(async () => {
  asked = [];
  sockets = new Set();
  answer = () => ok(VIEW);
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.write(encodeMessage({ compression: null, python: [3, 11, 0], 'pickle-protocol': 4 }));
    let greeted = false;
    const parser = new FrameParser((frames) => {
      const message = decodeMessage(frames);
      if (!greeted) greeted = true;
      else if (isRecord(message)) {
        asked.push(message);
        const said = answer(message);
        if (said !== undefined) socket.write(encodeMessage(said));
      }
    });
    socket.on('data', (chunk: Buffer) => parser.push(chunk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  known = { scheduler: { 'taskglass-debug': 8788 } };
  const processes: KnownProcesses = {
    get scheduler() {
      return known.scheduler;
    },
    worker: (name) =>
      ({
        one: { address: 'tcp://w:1', services: { 'taskglass-debug': 8789 } },
        bare: { address: 'tcp://w:2', services: { dashboard: 1 } },
      })[name],
  };
  const { port } = server.address() as AddressInfo;
  const address = `tcp://127.0.0.1:${port}`;
  access = new DaskDebugAccess(address, processes, { timeoutMs: 20_000 });
  hasty = new DaskDebugAccess(address, processes, { timeoutMs: 100 });
});
afterEach(() => {
  access.close();
  hasty.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});

describe('debug pages over RPC', () => {
  test('the scheduler is asked itself, a worker through it', async () => {
    expect(await access.view(SCHEDULER, 'logs')).toEqual(VIEW);
    expect(asked[0]).toMatchObject({ op: 'taskglass_debug', topic: 'logs' });
    answer = () => ok(INDEX);
    expect(await access.index(ONE)).toEqual(INDEX);
    expect(asked[1]).toMatchObject({
      op: 'proxy',
      worker: 'tcp://w:1',
      msg: { op: 'taskglass_debug', topic: null },
    });
  });

  test.each<[string, DebugTarget, string, unknown, string]>([
    ['nobody registered it', SCHEDULER, 'logs', null, 'DEBUG_UNAVAILABLE'],
    ['a topic is missing', SCHEDULER, 'logs', { status: 'missing' }, 'NOT_FOUND'],
    ['another answer', SCHEDULER, 'logs', { status: 'OK', json: 7 }, 'PROTOCOL_ERROR'],
    ['no JSON', SCHEDULER, 'logs', { status: 'OK', json: '<html>' }, 'PROTOCOL_ERROR'],
    ['JSON of another shape', SCHEDULER, 'logs', ok({ topic: 'logs' }), 'PROTOCOL_ERROR'],
    [
      'an answer without end',
      SCHEDULER,
      'logs',
      { status: 'OK', json: 'x'.repeat(17 * 1024 * 1024) },
      'PROTOCOL_ERROR',
    ],
    [
      'a worker that is gone',
      ONE,
      'logs',
      { status: 'uncaught-error', exception_text: "OSError('Timed out trying to connect')" },
      'DEBUG_TIMEOUT',
    ],
    [
      'a fault of the scheduler',
      ONE,
      'logs',
      { status: 'uncaught-error', exception_text: "TypeError('x')" },
      'PROTOCOL_ERROR',
    ],
  ])('%s: %#', async (_what, target, topic, said, code) => {
    answer = () => said;
    await expect(access.view(target, topic)).rejects.toMatchObject({ code });
  });

  test('nobody is asked in vain', async () => {
    await expect(access.view({ role: 'worker', worker: 'bare' }, 'logs')).rejects.toMatchObject({
      code: 'DEBUG_UNAVAILABLE',
    });
    await expect(access.index({ role: 'worker', worker: 'nobody' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(access.view(SCHEDULER, '../x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    known.scheduler = {};
    await expect(access.index(SCHEDULER)).rejects.toMatchObject({ code: 'DEBUG_UNAVAILABLE' });
    known.scheduler = undefined;
    await expect(access.index(SCHEDULER)).rejects.toMatchObject({ code: 'NO_CLUSTER' });
    expect(asked).toEqual([]);
  });

  test('a process that keeps silent is not waited for, and its connection is dropped', async () => {
    answer = () => undefined;
    await expect(hasty.view(ONE, 'logs')).rejects.toMatchObject({ code: 'DEBUG_TIMEOUT' });
    await expect.poll(() => sockets.size).toBe(0);
    answer = () => ok(VIEW);
    expect(await access.view(ONE, 'logs')).toEqual(VIEW);
  });
});
