import helmet from '@fastify/helmet';
import websocket from '@fastify/websocket';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { TaskglassError } from '../base/errors.ts';
import { errorPage, forwardPage, PAGES } from '../serving/error-page.ts';
import type { Gate } from '../serving/gate.ts';
import { CSP_DIRECTIVES } from '../serving/headers.ts';
import type { PageFiles } from '../serving/page-files.ts';
import { codedError, PROBLEM_JSON, problemOf } from '../serving/problem.ts';
import type { DebugAccess } from '../source/source.ts';
import { MAX_CLIENT_MESSAGE } from '../wire/message.ts';
import { API_ROUTES, type ApiContext } from './api.ts';
import { addDebugRoutes } from './debug-routes.ts';
import { jsonBody } from './json-body.ts';
import { metricsRegistry } from './metrics.ts';
import { openApi } from './openapi.ts';
import type { Publisher } from './publisher.ts';
import { pathOf, refuseOtherMethods, sendFile } from './reply.ts';

export interface HttpOptions extends ApiContext {
  readonly gate: Gate;
  readonly publisher: Publisher;
  /** The source's; undefined where it has none. */
  readonly debug: DebugAccess | undefined;
  readonly page: PageFiles;
  /** Empty, or `/one/two`. */
  readonly prefix: string;
  readonly version: string;
  readonly logger: Logger;
}

const MAX_BODY = 65_536;

/** All addresses of the server, behind one gate and with one way to fail. */
export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { gate, prefix, publisher, store } = options;
  const app = Fastify({
    loggerInstance: options.logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    requestTimeout: 30_000,
    // A worker's name may stand in an address, escaped.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1_000 },
    frameworkErrors: (error, request, reply) => answerError(error, request, reply),
    clientErrorHandler(_error, socket) {
      // Not HTTP at all: nobody who would read a document.
      if (socket.writable) socket.write('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      socket.destroy();
    },
  });

  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: CSP_DIRECTIVES,
    },
    // We do not speak TLS, and what stands in front of us decides for its own name.
    strictTransportSecurity: false,
  });
  // Nothing here reads a body; one that comes is dropped unread.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request, payload, done) => {
    payload.resume();
    const tooLarge = Number(request.headers['content-length'] ?? 0) > MAX_BODY;
    done(tooLarge ? new TaskglassError('BODY_TOO_LARGE', `more than ${MAX_BODY} bytes`) : null, undefined);
  });

  app.addHook('onRequest', async (request, reply) => {
    const query = request.query as Record<string, unknown>;
    const token = typeof query.token === 'string' ? query.token : undefined;
    const admission = gate.admit({
      method: request.method,
      headers: request.headers,
      token,
      ip: request.ip,
      upgrade: request.headers.upgrade !== undefined,
      open: pathOf(request) === `${prefix}/health` || pathOf(request).startsWith(`${prefix}/help/`),
    });
    if (admission.setCookie !== null) reply.header('set-cookie', admission.setCookie);
    // The token leaves the address bar, where it would be seen, kept and shared.
    if (token !== undefined && request.method === 'GET' && wantsHtml(request)) return forward(request, reply);
    delete query.token;
    return undefined;
  });

  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => {
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const detail = reads ? 'no page and no part of the API has this address' : 'nothing here takes that method';
    return answerError(new TaskglassError('NOT_FOUND', detail), request, reply);
  });

  await app.register(websocket, {
    options: { maxPayload: MAX_CLIENT_MESSAGE, perMessageDeflate: false },
    errorHandler: (_error, socket) => socket.terminate(),
  });

  addApi(app, options);
  addDebugRoutes(app, options);
  addPages(app, options);

  const registry = metricsRegistry(store, publisher);
  app.get(`${prefix}/health`, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok', link: store.link.state }),
  );
  app.get(`${prefix}/metrics`, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
  for (const path of ['/health', '/metrics']) refuseOtherMethods(app, `${prefix}${path}`, ['GET', 'HEAD']);
  return app;

  function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const coded = codedError(error);
    if (coded.code === 'INTERNAL') options.logger.error({ err: error }, 'request failed');
    const problem = problemOf(coded);
    reply.code(problem.status).header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    if (coded.code === 'TOKEN_REQUIRED') reply.header('www-authenticate', 'Bearer');
    if (coded.code === 'RATE_LIMITED') reply.header('retry-after', '60');
    if (wantsHtml(request)) {
      return reply.type('text/html; charset=utf-8').send(errorPage(problem, rootFrom(request, prefix)));
    }
    return reply.type(PROBLEM_JSON).send(JSON.stringify(problem));
  }
}

function addApi(app: FastifyInstance, options: HttpOptions): void {
  const api = `${options.prefix}/api/v1`;
  const methods = new Map<string, string[]>();
  for (const route of API_ROUTES) {
    const url = api + route.path.replace(/\{(\w+)\}/g, ':$1');
    methods.set(url, [...(methods.get(url) ?? []), ...(route.method === 'GET' ? ['GET', 'HEAD'] : [route.method])]);
    app.route({
      method: route.method,
      url,
      handler: async (request, reply) => {
        reply.header('cache-control', 'no-store');
        const answer = await route.run(options, request, reply);
        if (answer === undefined) return reply;
        return reply.code(route.status).type('application/json; charset=utf-8').send(jsonBody(answer));
      },
    });
  }
  const document = JSON.stringify(openApi(options.version, options.prefix));
  app.get(`${api}/openapi.json`, (_request, reply) => reply.type('application/json; charset=utf-8').send(document));
  methods.set(`${api}/openapi.json`, ['GET', 'HEAD']);

  const { publisher } = options;
  app.route({
    method: 'GET',
    url: `${api}/live`,
    preValidation: async () => {
      if (publisher.isFull) throw new TaskglassError('TOO_MANY_VIEWERS', `${publisher.viewers} pages are connected`);
    },
    handler: () => {
      throw new TaskglassError('UPGRADE_REQUIRED', 'this address speaks WebSocket');
    },
    wsHandler: (socket, request) => publisher.connect(socket, request.raw.socket),
  });
  methods.set(`${api}/live`, ['GET', 'HEAD']);
  for (const [url, allowed] of methods) refuseOtherMethods(app, url, allowed);
}

function addPages(app: FastifyInstance, { page, prefix }: HttpOptions): void {
  const home = (request: FastifyRequest, reply: FastifyReply) =>
    reply.redirect(`${rootFrom(request, prefix)}status`, 302);
  app.get('/', home);
  if (prefix !== '') app.get(prefix, home);
  for (const name of PAGES) {
    app.get(`${prefix}/${name}`, (request, reply) => {
      reply.header('cache-control', 'no-cache');
      return sendFile(request, reply, page.document(pathOf(request).endsWith('/') ? 1 : 0));
    });
  }
  app.get(`${prefix}/*`, (request, reply) => {
    const file = page.file((request.params as { '*': string })['*']);
    if (file === undefined) return reply.callNotFound();
    reply.header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    return sendFile(request, reply, file);
  });
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

function wantsHtml(request: FastifyRequest): boolean {
  return request.headers.upgrade === undefined && (request.headers.accept ?? '').includes('text/html');
}

/** The way from the address asked for to where the pages are; relative for the sake of proxies that cut a prefix off. */
function rootFrom(request: FastifyRequest, prefix: string): string {
  const up = pathOf(request).split('/').length - 2;
  return `${up > 0 ? '../'.repeat(up) : './'}${prefix === '' ? '' : `${prefix.slice(1)}/`}`;
}
