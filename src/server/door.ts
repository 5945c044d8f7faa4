import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { TaskglassError } from '../base/errors.ts';
import { forwardPage } from '../serving/error-page.ts';
import type { Gate, Who } from '../serving/gate.ts';
import { pathOf } from './routes/reply.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Null before the gate. */
    who: Who | null;
  }
}

/** The gate stands before every request, WebSockets' handshakes among them. */
export function addGate(app: FastifyInstance, gate: Gate, prefix: string, logger: Logger): void {
  app.decorateRequest('who', null);
  app.addHook('onRequest', async (request, reply) => {
    const query = request.query as Record<string, unknown>;
    const token = typeof query.token === 'string' ? query.token : undefined;
    const upgrade = request.headers.upgrade !== undefined;
    const { who, setCookie } = admit(request, token, upgrade);
    request.who = who;
    if (setCookie !== null) {
      reply.header('set-cookie', setCookie);
      logger.info({ who }, 'somebody logged in with the token');
    }
    if (upgrade) logger.info({ who }, 'a page connects');
    // The token leaves the address bar, where it would be seen, kept and shared.
    if (token !== undefined && request.method === 'GET' && wantsHtml(request)) return forward(request, reply);
    delete query.token;
    return undefined;
  });

  // A refused handshake has left the care of the HTTP server: nothing else would ever close its socket.
  app.addHook('onResponse', async (request) => {
    if (request.headers.upgrade !== undefined) request.raw.socket.destroySoon();
  });

  function admit(request: FastifyRequest, token: string | undefined, upgrade: boolean) {
    const path = pathOf(request);
    try {
      refuseLoads(request, path.slice(prefix.length));
      return gate.admit({
        method: request.method,
        headers: request.headers,
        token,
        ip: request.ip,
        upgrade,
        open: path === `${prefix}/health` || path.startsWith(`${prefix}/help/`),
      });
    } catch (error) {
      const { code } = error as TaskglassError;
      const guessed = code === 'TOKEN_REQUIRED' && (token ?? request.headers.authorization) !== undefined;
      if (error instanceof TaskglassError && (guessed || code === 'RATE_LIMITED')) {
        logger.warn({ code, address: request.ip }, error.detail);
      }
      throw error;
    }
  }
}

const ANSWERS = /\/(api|metrics)(\/|$)/;

/**
 * A page of another site cannot read what it loads from here, but it can make us work, and measure how long that took. A browser says
 * of each request whose it is; a link that somebody follows is theirs.
 */
function refuseLoads({ headers }: FastifyRequest, path: string): void {
  if (headers['sec-fetch-site'] !== 'cross-site' || headers['sec-fetch-mode'] === 'navigate') return;
  if (ANSWERS.test(path)) throw new TaskglassError('ORIGIN_REFUSED', 'a page of another site asks for it');
}

/** Takes the token out of the address. */
function forward(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = pathOf(request);
  const query = new URLSearchParams(request.url.slice(path.length));
  query.delete('token');
  // Relative, so that it holds behind a proxy that cuts a prefix off.
  const to = `./${path.slice(path.lastIndexOf('/') + 1)}${query.size > 0 ? `?${query}` : ''}`;
  reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
  // A strict cookie does not travel along a redirect that began on another site; from a page of ours it does.
  if (request.headers['sec-fetch-site'] === 'cross-site')
    return reply.type('text/html; charset=utf-8').send(forwardPage(to));
  return reply.redirect(to, 303);
}

export function wantsHtml(request: FastifyRequest): boolean {
  return request.headers.upgrade === undefined && (request.headers.accept ?? '').includes('text/html');
}
