import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { TaskglassError } from '../base/errors.ts';
import type { Access } from '../serving/access.ts';
import { errorPage, PAGES } from '../serving/error-page.ts';
import type { Gate } from '../serving/gate.ts';
import type { PageFiles } from '../serving/page-files.ts';
import { codedError, PROBLEM_JSON, problemOf } from '../serving/problem.ts';
import { MAX_CLIENT_MESSAGE } from '../wire/message.ts';
import { addActions } from './actions/actions.ts';
import type { AuditLog } from './actions/audit-log.ts';
import { type ConnectionLimits, createApp } from './app.ts';
import { addGate, wantsHtml } from './door.ts';
import { addExportRoute } from './export/route.ts';
import { addPlacesRoutes } from './history/routes.ts';
import { API_ROUTES } from './routes/api.ts';
import { addDebugRoutes } from './routes/debug-routes.ts';
import { jsonBody } from './routes/json-body.ts';
import { metricsRegistry } from './routes/metrics.ts';
import { openApi } from './routes/openapi.ts';
import { pathOf, refuseOtherMethods, sendFile } from './routes/reply.ts';
import type { Mount } from './watched/mounts.ts';
import type { Places } from './watched/places.ts';
import type { Watched } from './watched/watched.ts';

export interface HttpOptions {
  /** What is served where. */
  readonly places: Places;
  readonly gate: Gate;
  readonly access: Access;
  /** Null: nothing may be done to what is watched. */
  readonly audit: AuditLog | null;
  readonly limits?: Partial<ConnectionLimits> | undefined;
  readonly page: PageFiles;
  /** Empty, or `/one/two`. */
  readonly prefix: string;
  readonly version: string;
  readonly logger: Logger;
}

/** All addresses of the server, behind one gate and with one way to fail. */
export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { gate, places, prefix } = options;
  const { access, limits, logger } = options;
  const app = await createApp({ access, limits, logger, frameworkErrors: answerError });
  addGate(app, gate, prefix, logger);

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

  const { mounts } = places;
  for (const mount of mounts) {
    addApi(app, mount, options);
    addExportRoute(app, mount, options);
    addDebugRoutes(app, mount, options);
    addActions(app, `${prefix}${mount.path}/api/v1`, options.audit, mount.of);
    addPages(app, mount, options);
  }
  addPlacesRoutes(app, prefix, places);
  addFiles(app, options);
  for (const mount of mounts) addProbes(app, mount, options);
  return app;

  function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const coded = codedError(error);
    if (coded.code === 'INTERNAL') options.logger.error({ err: error }, 'request failed');
    const problem = problemOf(coded);
    reply.code(problem.status).header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    if (coded.code === 'TOKEN_REQUIRED') reply.header('www-authenticate', 'Bearer');
    if (coded.code === 'SERVER_BUSY') reply.header('retry-after', '10');
    if (coded.code === 'RATE_LIMITED') reply.header('retry-after', '60');
    if (wantsHtml(request)) {
      return reply.type('text/html; charset=utf-8').send(errorPage(problem, rootFrom(request, prefix)));
    }
    return reply.type(PROBLEM_JSON).send(JSON.stringify(problem));
  }
}

function addApi(app: FastifyInstance, mount: Mount, options: HttpOptions): void {
  const api = `${options.prefix}${mount.path}/api/v1`;
  const methods = new Map<string, string[]>();
  for (const route of API_ROUTES) {
    const url = api + route.path.replace(/\{(\w+)\}/g, ':$1');
    methods.set(url, [...(methods.get(url) ?? []), ...(route.method === 'GET' ? ['GET', 'HEAD'] : [route.method])]);
    app.route({
      method: route.method,
      url,
      handler: async (request, reply) => {
        reply.header('cache-control', 'no-store');
        const answer = await route.run(await mount.of(request), request, reply);
        if (answer === undefined) return reply;
        return reply.code(route.status).type('application/json; charset=utf-8').send(jsonBody(answer));
      },
    });
  }
  if (mount.path === '') {
    const document = JSON.stringify(openApi(options.version, options.prefix));
    app.get(`${api}/openapi.json`, (_request, reply) => reply.type('application/json; charset=utf-8').send(document));
    methods.set(`${api}/openapi.json`, ['GET', 'HEAD']);
  }

  const wanted = new WeakMap<FastifyRequest, Watched>();
  app.route({
    method: 'GET',
    url: `${api}/live`,
    preValidation: async (request) => {
      const watched = await mount.of(request);
      wanted.set(request, watched);
      const { publisher } = watched;
      if (publisher.isFull) throw new TaskglassError('TOO_MANY_VIEWERS', `${publisher.viewers} pages are connected`);
    },
    handler: () => {
      throw new TaskglassError('UPGRADE_REQUIRED', 'this address speaks WebSocket');
    },
    wsHandler: (socket, request) => wanted.get(request)?.publisher.connect(socket, request.raw.socket),
  });
  methods.set(`${api}/live`, ['GET', 'HEAD']);
  for (const [url, allowed] of methods) refuseOtherMethods(app, url, allowed);
}

function addPages(app: FastifyInstance, mount: Mount, { page, prefix }: HttpOptions): void {
  const base = prefix + mount.path;
  const home = (request: FastifyRequest, reply: FastifyReply) =>
    reply.redirect(pathOf(request).endsWith('/') ? './status' : `./${pathOf(request).split('/').at(-1)}/status`, 302);
  if (base !== '') app.get(base, home);
  for (const name of PAGES) {
    // There is one history, whatever is shown.
    if (name === 'history' && mount.path !== '') {
      app.get(`${base}/history`, (request, reply) =>
        reply.redirect(`${'../'.repeat(mount.depth + (pathOf(request).endsWith('/') ? 1 : 0))}history`, 302),
      );
      continue;
    }
    app.get(`${base}/${name}`, async (request, reply) => {
      await mount.of(request);
      reply.header('cache-control', 'no-cache');
      return sendFile(request, reply, page.document(mount.depth + (pathOf(request).endsWith('/') ? 1 : 0)));
    });
  }
}

/** The files of the page lie at the root, whatever is shown: a browser fetches them once. */
function addFiles(app: FastifyInstance, { page, prefix }: HttpOptions): void {
  app.get('/', (request, reply) => reply.redirect(`${rootFrom(request, prefix)}status`, 302));
  app.get(`${prefix}/*`, (request, reply) => {
    const file = page.file((request.params as { '*': string })['*']);
    if (file === undefined) return reply.callNotFound();
    reply.header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    return sendFile(request, reply, file);
  });
}

function addProbes(app: FastifyInstance, mount: Mount, { prefix }: HttpOptions): void {
  const base = prefix + mount.path;
  const registries = new WeakMap<Watched, Registry>();
  app.get(`${base}/health`, async (request, reply) => {
    const { store } = await mount.of(request);
    return reply.header('cache-control', 'no-store').send({ status: 'ok', link: store.link.state });
  });
  app.get(`${base}/metrics`, async (request, reply) => {
    const watched = await mount.of(request);
    const registry = registries.get(watched) ?? metricsRegistry(watched.store, watched.publisher);
    registries.set(watched, registry);
    return reply.type(registry.contentType).send(await registry.metrics());
  });
  for (const path of ['/health', '/metrics']) refuseOtherMethods(app, base + path, ['GET', 'HEAD']);
}

/** The way from the address asked for to where the pages are; relative for the sake of proxies that cut a prefix off. */
function rootFrom(request: FastifyRequest, prefix: string): string {
  const up = pathOf(request).split('/').length - 2;
  return `${up > 0 ? '../'.repeat(up) : './'}${prefix === '' ? '' : `${prefix.slice(1)}/`}`;
}
