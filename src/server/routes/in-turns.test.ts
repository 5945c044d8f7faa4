import { once } from 'node:events';
import { connect } from 'node:net';
import Fastify from 'fastify';
import { expect, test, vi } from 'vitest';
import type { Steps } from '../../base/steps.ts';
import { inTurns, inTurnsFor } from './in-turns.ts';

test('a query goes on while somebody waits for it and ends when nobody does; others have their turn meanwhile', async () => {
  const app = Fastify();
  let steps = 0;
  let ended = false;
  function* endless(): Steps<string> {
    for (;;) {
      steps++;
      yield;
    }
  }
  app.get('/endless', async (request, reply) => {
    const answer = await inTurnsFor(request, endless());
    ended = true;
    return answer ?? reply;
  });
  app.get('/other', () => 'here');
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as { port: number };
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
  await vi.waitFor(() => expect(steps).toBeGreaterThan(10));
  expect(await (await fetch(`http://127.0.0.1:${port}/other`)).text()).toBe('here');
  expect(ended).toBe(false);
  socket.destroy();
  await vi.waitFor(() => expect(ended).toBe(true), { timeout: 10_000 });
  await app.close();
});

test('however many queries run, one step of one of them is made between two looks at everybody else', async () => {
  let steps = 0;
  function* some(): Steps<number> {
    for (let i = 0; i < 20; i++) {
      steps++;
      yield;
    }
    return steps;
  }
  const all = Promise.all(Array.from({ length: 50 }, () => inTurns(some())));
  const first = steps;
  const seen: number[] = [];
  for (let round = 0; round < 10; round++) {
    const before = steps;
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(steps - before);
  }
  expect(first).toBe(50);
  expect(Math.max(...seen)).toBeLessThanOrEqual(2);
  await all;
  expect(steps).toBe(1_000);
});
