import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { TaskglassError } from '../base/errors.ts';

/** What answers may take that nobody reads. */
export interface AnswerLimits {
  /** Requests of one socket that have no whole answer yet. No browser sends a second one before the first is answered. */
  readonly unanswered: number;
  /** Long answers that are on their way at once, of all sockets together. */
  readonly longAnswers: number;
  /** A socket on which nothing moves for so long is ended. WebSockets look after themselves. */
  readonly idleMs: number;
}

export const ANSWER_LIMITS: AnswerLimits = { unanswered: 8, longAnswers: 64, idleMs: 120_000 };

/** Characters up to which an answer is not counted: the probes' are such, and are given whatever else waits. */
const SHORT = 32_768;

/** What is still to be answered on one socket: how many, and what to do when that ends, with its answer or with the socket. */
interface Open {
  requests: number;
  readonly ends: Set<() => void>;
}

/**
 * Whoever asks and does not read costs memory: of each socket, and of all together, only so much. Node tells nothing
 * of a socket's end to those answers that wait behind the first one, so all of them are ended here: else what feeds
 * them would wait for ever.
 */
export function boundAnswers(app: FastifyInstance, { unanswered, longAnswers, idleMs }: AnswerLimits): void {
  const sockets = new WeakMap<Socket, Open>();
  let long = 0;
  app.server.setTimeout(idleMs);

  app.addHook('onRequest', async ({ raw: { socket } }, reply) => {
    const open = openOf(socket);
    if (open.requests >= unanswered) socket.destroy();
    if (socket.destroyed) return reply.hijack();
    open.requests++;
    endsOnce(open, reply.raw, () => {
      open.requests--;
    });
    return undefined;
  });

  // What is long is sent in pieces, as fast as it is read, and something of it is held until then.
  app.addHook('onSend', async ({ raw: { socket } }, reply, payload) => {
    const stream = payload instanceof Readable ? payload : null;
    if (stream === null && (typeof payload !== 'string' || payload.length <= SHORT)) return payload;
    if (socket.destroyed || long >= longAnswers) {
      stream?.destroy();
      reply.removeHeader('content-disposition');
      throw new TaskglassError('SERVER_BUSY', `${long} long answers are being read`);
    }
    long++;
    endsOnce(openOf(socket), reply.raw, () => {
      long--;
      stream?.destroy();
    });
    return payload;
  });

  function openOf(socket: Socket): Open {
    const known = sockets.get(socket);
    if (known !== undefined) return known;
    const open: Open = { requests: 0, ends: new Set() };
    sockets.set(socket, open);
    socket.once('close', () => {
      for (const end of open.ends) end();
    });
    return open;
  }
}

function endsOnce({ ends }: Open, answer: NodeJS.EventEmitter, then: () => void): void {
  const end = (): void => {
    if (ends.delete(end)) then();
  };
  ends.add(end);
  answer.once('close', end);
}
