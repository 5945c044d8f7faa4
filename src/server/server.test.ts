import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { TaskglassError } from '../base/errors.ts';
import { ScriptedSource } from './scripted-source.fixture.ts';
import { startServer } from './server.ts';
import { Serving } from './serving.fixture.ts';

async function taken(): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

test('a port that is taken is an error, and the source is closed', async () => {
  await using other = await taken();
  const source = new ScriptedSource();
  await expect(startServer({ source, port: other.port })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    detail: expect.stringContaining(String(other.port)),
  });
  expect(source.closed).toBe(true);
});

test('… or the next free one from 8790 up is used', async () => {
  await using other = await taken();
  await using serving = await Serving.start({ port: other.port, portFallback: true });
  expect(serving.port).toBeGreaterThanOrEqual(8790);
  expect((await serving.fetch('/health')).status).toBe(200);
});

test('an address that is not ours cannot be opened', async () => {
  const source = new ScriptedSource();
  await expect(startServer({ source, host: '203.0.113.9', port: 0, token: 'sixteen-letters!' })).rejects.toMatchObject({
    code: 'PORT_FORBIDDEN',
  });
});

test('beyond loopback a token is needed, or a word that it is not', async () => {
  const source = new ScriptedSource();
  await expect(startServer({ source, host: '0.0.0.0', port: 0 })).rejects.toMatchObject({
    code: 'EXPOSED_WITHOUT_TOKEN',
  });
  await using open = await Serving.start({ host: '0.0.0.0', insecure: true });
  expect(open.server.url).toBe(`http://127.0.0.1:${open.port}/status`);
  await using closed = await Serving.start({ host: '0.0.0.0', token: 'sixteen-letters!' });
  expect((await closed.fetch('/status')).status).toBe(401);
});

test('what the source cannot attach to is thrown, and the port is free again', async () => {
  const failing = new ScriptedSource(undefined, new TaskglassError('CONNECTION_REFUSED', 'tcp://127.0.0.1:1'));
  await using free = await taken();
  const { port } = free;
  await free[Symbol.asyncDispose]();
  await expect(startServer({ source: failing, port })).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
  expect(failing.closed).toBe(true);
  await using serving = await Serving.start({ port, wait: true });
  expect(serving.port).toBe(port);
  expect(serving.source.waited).toBe(true);
});

test('closing settles everything within two seconds, whoever still listens', async () => {
  const serving = await Serving.start();
  const viewers = await Promise.all(Array.from({ length: 5 }, () => serving.viewer()));
  // One that does not answer a closing handshake.
  viewers[0]!.socket.pause();
  const hanging = serving.fetch('/api/v1/cluster');
  await hanging;
  const begin = performance.now();
  await Promise.all([serving.server.close(), serving.server.close()]);
  expect(performance.now() - begin).toBeLessThan(2_500);
  expect(serving.source.closed).toBe(true);
  await expect.poll(() => viewers.slice(1).every((viewer) => viewer.closed?.code === 1001)).toBe(true);
  await expect(serving.fetch('/health')).rejects.toThrow();
  viewers[0]!.close();
  await serving[Symbol.asyncDispose]();
});

test('a source that does not close does not keep the server', async () => {
  class Stuck extends ScriptedSource {
    override close(): Promise<void> {
      return new Promise(() => {});
    }
  }
  const serving = await Serving.start({}, new Stuck());
  const begin = performance.now();
  await serving.server.close();
  expect(performance.now() - begin).toBeLessThan(3_000);
});
