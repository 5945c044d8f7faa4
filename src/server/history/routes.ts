import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { TaskglassError } from '../../base/errors.ts';
import type { RecordingIndex, RecordingOverview } from '../../recording/overview.ts';
import { NO_QUERY, parseQuery } from '../routes/api-query.ts';
import { refuseOtherMethods } from '../routes/reply.ts';
import type { Places } from '../watched/places.ts';
import { CHANGED, CLUSTERS, DELETED, RECORDINGS, RECORDINGS_QUERY } from './schema.ts';

/** One address of the server as a whole; the router and the OpenAPI document are both made from this. */
export interface PlacesRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below `/api/v1`, with `{name}` for a part that varies. */
  readonly path: string;
  readonly summary: string;
  readonly query: z.ZodType;
  readonly answer: z.ZodType;
  readonly status: number;
  run(places: Places, request: FastifyRequest): unknown;
}

const DEFAULT_LIMIT = 100;
const MOST_FUNCTIONS = 20;
const MOST_RUNS = 100;

export const PLACES_ROUTES: readonly PlacesRoute[] = [
  {
    method: 'GET',
    path: '/clusters',
    summary: 'The clusters that this server watches',
    query: NO_QUERY,
    answer: CLUSTERS,
    status: 200,
    run: (places, request) => {
      parseQuery(NO_QUERY, request.query);
      return clustersView(places);
    },
  },
  {
    method: 'GET',
    path: '/recordings',
    summary: 'Recordings in the folder of this server: those that are being written first, then the latest first',
    query: RECORDINGS_QUERY,
    answer: RECORDINGS,
    status: 200,
    run: async (places, request) => {
      const query = parseQuery(RECORDINGS_QUERY, request.query);
      const { recordings: index } = places;
      const recording = places.clusters.some(({ watched }) => watched.recording !== null);
      if (index === null) return { folder: null, recording, total: 0, nbytes: 0, next: null, recordings: [] };
      const all = await index.list();
      const matching = all.filter((one) => matches(one, query.q ?? ''));
      const from = query.after === undefined ? 0 : matching.findIndex(({ id }) => id === query.after) + 1;
      if (query.after !== undefined && from === 0) {
        throw new TaskglassError('QUERY_INVALID', 'after: that recording is not there any more; begin anew');
      }
      const page = matching.slice(from, from + (query.limit ?? DEFAULT_LIMIT));
      return {
        folder: index.folder,
        recording,
        total: matching.length,
        nbytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
        next: from + page.length < matching.length ? (page.at(-1)?.id ?? null) : null,
        recordings: page.map((one) => recordingView(one, places)),
      };
    },
  },
  {
    method: 'POST',
    path: '/recordings/{recording}/pin',
    summary: 'Keeps a recording from being deleted by age, size or count',
    query: NO_QUERY,
    answer: CHANGED,
    status: 200,
    run: (places, request) => pin(places, request, true),
  },
  {
    method: 'POST',
    path: '/recordings/{recording}/unpin',
    summary: 'Lets a recording be deleted by age, size or count again',
    query: NO_QUERY,
    answer: CHANGED,
    status: 200,
    run: (places, request) => pin(places, request, false),
  },
  {
    method: 'DELETE',
    path: '/recordings/{recording}',
    summary: 'Deletes a recording for good; not one that is being written',
    query: NO_QUERY,
    answer: DELETED,
    status: 200,
    run: async (places, request) => {
      parseQuery(NO_QUERY, request.query);
      const id = idOf(request);
      const index = indexOf(places);
      await index.delete(id);
      await places.opened?.close(id);
      return { id, deleted: true };
    },
  },
];

/** What concerns the server as a whole, at its root alone: the list of its clusters and that of its recordings. */
export function addPlacesRoutes(app: FastifyInstance, prefix: string, places: Places): void {
  const methods = new Map<string, string[]>();
  for (const route of PLACES_ROUTES) {
    const url = `${prefix}/api/v1${route.path.replace(/\{(\w+)\}/g, ':$1')}`;
    methods.set(url, [...(methods.get(url) ?? []), ...(route.method === 'GET' ? ['GET', 'HEAD'] : [route.method])]);
    app.route({
      method: route.method,
      url,
      handler: async (request, reply) => {
        reply.header('cache-control', 'no-store');
        return reply.code(route.status).send(await route.run(places, request));
      },
    });
  }
  for (const [url, allowed] of methods) refuseOtherMethods(app, url, allowed);
}

async function pin(places: Places, request: FastifyRequest, pinned: boolean) {
  parseQuery(NO_QUERY, request.query);
  const id = idOf(request);
  await indexOf(places).pin(id, pinned);
  return { id, pinned };
}

function indexOf({ recordings }: Places): RecordingIndex {
  if (recordings === null) throw new TaskglassError('RECORDINGS_OFF', 'nothing is recorded here');
  return recordings;
}

function idOf(request: FastifyRequest): string {
  return (request.params as { recording: string }).recording;
}

/** Each word occurs somewhere. */
function matches(recording: RecordingOverview, q: string): boolean {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const { id, manifest, since, functions, workers } = recording;
  const day = new Date(since * 1000).toISOString().slice(0, 10);
  const texts = [id, manifest.address, manifest.id, manifest.engine, manifest.version, day]
    .concat(
      functions.map(({ name }) => name),
      workers,
    )
    .map((text) => text.toLowerCase());
  return words.every((word) => texts.some((text) => text.includes(word)));
}

function recordingView(recording: RecordingOverview, places: Places) {
  const { id, manifest, since, until, tasks, erred, missed, functions, workers, runs, bytes, pinned } = recording;
  const writer = places.clusters.find(({ watched }) => watched.directory === places.recordings?.pathOf(id));
  return {
    id,
    pages: recording.live && writer !== undefined ? writer.pages : `recordings/${id}/`,
    engine: manifest.engine,
    address: manifest.address,
    scheduler_id: manifest.id,
    version: manifest.version,
    since,
    until,
    duration: Math.max(0, until - since),
    tasks,
    erred,
    missed,
    functions: functions.slice(0, MOST_FUNCTIONS),
    functions_total: functions.length,
    workers: workers.length,
    runs: runs.slice(-MOST_RUNS).map(({ start, stop, tasks, erred }) => ({ start, stop, tasks, erred })),
    runs_total: runs.length,
    nbytes: bytes,
    pinned,
    live: recording.live,
    unreadable: recording.unreadable,
  };
}

function clustersView(places: Places) {
  return {
    history: places.recordings !== null,
    clusters: places.clusters.map(({ name, pages, watched: { store } }) => ({
      name: name || (store.cluster?.address ?? ''),
      pages,
      engine: store.cluster?.engine ?? null,
      address: store.cluster?.address ?? null,
      link: store.link.state,
      link_reason: store.link.reason,
      workers: store.workers.views().filter(({ alive }) => alive).length,
      tasks: store.records.finished,
    })),
  };
}
