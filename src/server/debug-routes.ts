import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { TaskglassError } from '../base/errors.ts';
import { isTopic } from '../model/debug-check.ts';
import { findWorker } from '../model/worker-path.ts';
import type { PageFiles } from '../serving/page-files.ts';
import type { DebugAccess, DebugTarget } from '../source/source.ts';
import type { Store } from '../store/store.ts';
import { NO_QUERY, parseQuery } from './api-query.ts';
import { DEBUG_INDEX, DEBUG_VIEW } from './api-schema.ts';
import { DebugReader } from './debug-reader.ts';
import { pathOf, refuseOtherMethods, sendFile } from './reply.ts';

export interface DebugRoutesOptions {
  readonly store: Store;
  /** Undefined: the source has no way to debug pages. */
  readonly debug: DebugAccess | undefined;
  readonly page: PageFiles;
  /** Empty, or `/one/two`. */
  readonly prefix: string;
}

/** One address of the debug pages' API; the OpenAPI document is made from these. */
export interface DebugRoute {
  /** Below the prefix, with `{name}` for a part that varies. */
  readonly path: string;
  readonly summary: string;
  readonly answer: z.ZodType;
}

export const DEBUG_ROUTES: readonly DebugRoute[] = [
  { path: '/scheduler/api/v1/debug', summary: 'Debug pages of the scheduler: what there is', answer: DEBUG_INDEX },
  { path: '/scheduler/api/v1/debug/{topic}', summary: 'A debug page of the scheduler', answer: DEBUG_VIEW },
  { path: '/workers/{name}/api/v1/debug', summary: 'Debug pages of a worker: what there is', answer: DEBUG_INDEX },
  { path: '/workers/{name}/api/v1/debug/{topic}', summary: 'A debug page of a worker', answer: DEBUG_VIEW },
];

const GET = ['GET', 'HEAD'];

/** The debug pages of the scheduler and of each worker, and their API, through the source's own connection: one open port is enough. */
export function addDebugRoutes(app: FastifyInstance, { store, debug, page, prefix }: DebugRoutesOptions): void {
  const reader = debug === undefined ? null : new DebugReader(debug);

  for (const { path } of DEBUG_ROUTES) {
    const url = prefix + path.replace(/\{(\w+)\}/g, ':$1');
    app.get(url, async (request, reply) => {
      reply.header('cache-control', 'no-store');
      parseQuery(NO_QUERY, request.query);
      const { name, topic } = request.params as { name?: string; topic?: string };
      if (reader === null) throw new TaskglassError('DEBUG_UNAVAILABLE', 'what is watched has no debug pages');
      if (topic !== undefined && !isTopic(topic)) throw new TaskglassError('NOT_FOUND', 'no topic has this name');
      const answer = await reader.read(targetOf(store, name), topic ?? null);
      return reply.type('application/json; charset=utf-8').send(answer);
    });
    refuseOtherMethods(app, url, GET);
  }

  for (const [path, depth] of [
    ['/scheduler', 1],
    ['/workers/:name', 2],
  ] as const) {
    app.get(`${prefix}${path}/debug`, (request, reply) => {
      reply.header('cache-control', 'no-cache');
      return sendFile(request, reply, page.document(pathOf(request).endsWith('/') ? depth + 1 : depth));
    });
    app.get(prefix + path, toDebug);
    for (const url of [`${prefix}${path}/debug`, prefix + path]) refuseOtherMethods(app, url, GET);
  }
}

/** Relative, so that it holds behind a proxy that cuts a prefix off. */
function toDebug(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const last = pathOf(request).split('/').at(-1)!;
  return reply.redirect(last === '' ? './debug' : `./${last}/debug`, 302);
}

/** Throws NOT_FOUND for a worker that nobody knows: the cluster is not asked for it. */
function targetOf(store: Store, name: string | undefined): DebugTarget {
  if (name === undefined) return { role: 'scheduler' };
  const worker = findWorker(store.workers.views(), name);
  if (worker === undefined || !worker.alive) throw new TaskglassError('NOT_FOUND', 'no such worker is connected');
  return { role: 'worker', worker: worker.address };
}
