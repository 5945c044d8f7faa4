import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { TaskglassError } from '../../base/errors.ts';
import { isTopic } from '../../model/debug-check.ts';
import { findWorker } from '../../model/worker-path.ts';
import type { PageFiles } from '../../serving/page-files.ts';
import type { DebugAccess, DebugTarget } from '../../source/source.ts';
import type { Store } from '../../store/store.ts';
import type { Mount } from '../watched/mounts.ts';
import { NO_QUERY, parseQuery } from './api-query.ts';
import { DEBUG_INDEX, DEBUG_VIEW } from './api-schema.ts';
import { DebugReader } from './debug-reader.ts';
import { pathOf, refuseOtherMethods, sendFile } from './reply.ts';

export interface DebugRoutesOptions {
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
export function addDebugRoutes(app: FastifyInstance, mount: Mount, { page, prefix }: DebugRoutesOptions): void {
  const base = prefix + mount.path;
  const readers = new WeakMap<DebugAccess, DebugReader>();
  const readerOf = (debug: DebugAccess): DebugReader => {
    const reader = readers.get(debug) ?? new DebugReader(debug);
    readers.set(debug, reader);
    return reader;
  };

  for (const { path } of DEBUG_ROUTES) {
    const url = base + path.replace(/\{(\w+)\}/g, ':$1');
    app.get(url, async (request, reply) => {
      reply.header('cache-control', 'no-store');
      parseQuery(NO_QUERY, request.query);
      const { name, topic } = request.params as { name?: string; topic?: string };
      const { store, debug } = await mount.of(request);
      if (debug === undefined) throw new TaskglassError('DEBUG_UNAVAILABLE', 'what is watched has no debug pages');
      if (topic !== undefined && !isTopic(topic)) throw new TaskglassError('NOT_FOUND', 'no topic has this name');
      const answer = await readerOf(debug).read(targetOf(store, name), topic ?? null);
      return reply.type('application/json; charset=utf-8').send(answer);
    });
    refuseOtherMethods(app, url, GET);
  }

  for (const [path, depth] of [
    ['/scheduler', 1],
    ['/workers/:name', 2],
  ] as const) {
    app.get(`${base}${path}/debug`, async (request, reply) => {
      await mount.of(request);
      reply.header('cache-control', 'no-cache');
      const deeper = pathOf(request).endsWith('/') ? 1 : 0;
      return sendFile(request, reply, page.document(mount.depth + depth + deeper));
    });
    app.get(base + path, toDebug);
    for (const url of [`${base}${path}/debug`, base + path]) refuseOtherMethods(app, url, GET);
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
