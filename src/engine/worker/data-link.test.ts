import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ByteQueue } from './byte-queue.ts';
import { DataClient } from './data-client.ts';
import { DataServer, SECRET_BYTES } from './data-server.ts';

const SECRET = 'a'.repeat(SECRET_BYTES);

describe('ByteQueue', () => {
  it('gives bytes in other pieces than they came in', () => {
    const queue = new ByteQueue();
    for (const part of [[0], [0, 1], [], [2, 3, 4, 5]]) queue.push(Uint8Array.from(part));
    expect(queue.peekUint32()).toBe(0x00000102);
    expect([...queue.take(4)]).toEqual([0, 0, 1, 2]);
    expect([...queue.take(2)]).toEqual([3, 4]);
    expect(queue.length).toBe(1);
    expect(() => queue.take(2)).toThrow(RangeError);
  });
});

describe('the way of results between processes', () => {
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });

  async function serve(results: Record<string, Uint8Array>): Promise<string> {
    const server = new DataServer(SECRET, (key, attempt) => (attempt === 1 ? results[key] : undefined));
    open.push(server);
    return server.listen();
  }

  function client(secret = SECRET): DataClient {
    const one = new DataClient(secret);
    open.push(one);
    return one;
  }

  it('brings what is there, whatever its size, and null for what is not', async () => {
    const big = new Uint8Array(3_000_000).map((_, i) => i % 251);
    const address = await serve({ big, small: Uint8Array.of(1, 2), empty: new Uint8Array(0) });
    const link = client();
    const wishes = ['big', 'nothing', 'small', 'empty'].map((key) => ({ key, attempt: 1 }));
    const [first, second] = await Promise.all([
      link.fetch(address, [...wishes, { key: 'big', attempt: 2 }]),
      link.fetch(address, [wishes[2]!]),
    ]);
    expect(Buffer.compare(first[0]!, big)).toBe(0);
    expect(first.slice(1)).toEqual([null, Uint8Array.of(1, 2), new Uint8Array(0), null]);
    expect(second).toEqual([Uint8Array.of(1, 2)]);
  });

  it('refuses who does not know the secret, and what is no request', async () => {
    const address = await serve({ small: Uint8Array.of(1) });
    await expect(client('b'.repeat(SECRET_BYTES)).fetch(address, [{ key: 'small', attempt: 1 }])).rejects.toThrow();
    for (const request of [Buffer.from([255, 255, 255, 255]), Buffer.from('\0\0\0\x04nope')]) {
      const socket = connect(Number(new URL(address).port), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(SECRET);
      socket.write(request);
      await once(socket, 'close');
    }
    expect(await client().fetch(address, [{ key: 'small', attempt: 1 }])).toEqual([Uint8Array.of(1)]);
  });

  it('rejects what is asked of a worker that is gone', async () => {
    const server = new DataServer(SECRET, () => undefined);
    const address = await server.listen();
    server.close();
    const link = client();
    await expect(link.fetch(address, [{ key: 'x', attempt: 1 }])).rejects.toThrow(/ECONNREFUSED/);
    link.close();
    await expect(link.fetch(address, [])).rejects.toThrow('closed');
  });
});
