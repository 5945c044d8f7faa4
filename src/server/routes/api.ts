import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { TaskglassError } from '../../base/errors.ts';
import { toSeconds } from '../../model/units.ts';
import {
  clusterView,
  functionsSteps,
  memoryView,
  progressView,
  recordDetailsSteps,
  resourcesView,
  runsView,
  sharesSteps,
  type TasksFilter,
  tasksFoundSteps,
  workersView,
} from '../../store/queries/queries.ts';
import { scanned } from '../../store/queries/scanned.ts';
import type { Store } from '../../store/store.ts';
import { mediaTypeOf, sendTasks } from '../export/send.ts';
import type { ExampleRunner } from '../watched/example-runner.ts';
import {
  FUNCTIONS_QUERY,
  MAX_TASKS_PAGE,
  NO_QUERY,
  parseQuery,
  RECORD_QUERY,
  RESOURCES_QUERY,
  SHARES_QUERY,
  splitMatch,
  TASKS_QUERY,
  trackSet,
} from './api-query.ts';
import {
  CLUSTER,
  EXAMPLE,
  FUNCTIONS,
  MEMORY,
  PROGRESS,
  RECORD,
  RESOURCES,
  RUNS,
  SHARES,
  TASKS,
  WORKERS,
} from './api-schema.ts';
import { inTurns, inTurnsFor } from './in-turns.ts';
import { SEARCH_ROUTES } from './search-routes.ts';
import { keyTest } from './text-test.ts';

/** What the API reads from. */
export interface ApiContext {
  readonly store: Store;
  readonly example: ExampleRunner | null;
}

/** One address of the API: the router and the OpenAPI document are both made from this. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST';
  /** Below `/api/v1`, with `{name}` for a part that varies. */
  readonly path: string;
  readonly summary: string;
  readonly query: z.ZodType;
  readonly answer: z.ZodType;
  readonly status: number;
  /** Other media types that it can answer with. */
  readonly also?: readonly string[];
  /** Returns the answer or a promise of it; undefined when it sent another kind of one. */
  run(context: ApiContext, request: FastifyRequest, reply: FastifyReply): unknown;
}

const DEFAULT_LIMIT = 1_000;
const DEFAULT_BINS = 100;
const DEFAULT_FUNCTIONS = 100;
const CHUNK = 65_536;
const NDJSON = 'application/x-ndjson; charset=utf-8';

export const API_ROUTES: readonly ApiRoute[] = [
  view('/cluster', 'What is watched, and how it is reached', CLUSTER, clusterView),
  view('/progress', 'Tasks by function and state', PROGRESS, progressView),
  view('/memory', 'Bytes of results in memory, by function', MEMORY, memoryView),
  view('/workers', 'Hosts and workers', WORKERS, workersView),
  view('/runs', 'Bursts of activity, oldest first', RUNS, runsView),
  {
    method: 'GET',
    path: '/resources',
    summary: 'CPU, memory, network and disk of the cluster over time',
    query: RESOURCES_QUERY,
    answer: RESOURCES,
    status: 200,
    run: ({ store }, request) => resourcesView(store, parseQuery(RESOURCES_QUERY, request.query).since),
  },
  {
    method: 'GET',
    path: '/tasks',
    summary: 'Records: one execution of a task each, oldest first',
    query: TASKS_QUERY,
    answer: TASKS,
    status: 200,
    also: ['application/x-ndjson', mediaTypeOf('arrow'), mediaTypeOf('parquet')],
    run: ({ store }, request, reply) => {
      const { format, limit, ...query } = parseQuery(TASKS_QUERY, request.query);
      const filter = filterOf(query);
      const ranked = filter.order === 'slowest' || filter.order === 'largest';
      if (ranked && (format !== 'json' || filter.after !== undefined || filter.status === 'processing')) {
        throw new TaskglassError('QUERY_INVALID', `order: ${filter.order} has one page, of finished tasks, as JSON`);
      }
      if (format === 'ndjson') return sendLines(store, filter, limit, request, reply);
      if (format !== 'json') return sendTasks(store, format, { ...filter, limit }, request, reply);
      if (limit !== undefined && limit > MAX_TASKS_PAGE) {
        throw new TaskglassError('QUERY_INVALID', `limit: at most ${MAX_TASKS_PAGE}; ask for format=ndjson for more`);
      }
      return inTurnsFor(request, scanned(store, tasksFoundSteps(store, { ...filter, limit: limit ?? DEFAULT_LIMIT })));
    },
  },
  {
    method: 'GET',
    path: '/tasks/{record}',
    summary: 'One record in full',
    query: RECORD_QUERY,
    answer: RECORD,
    status: 200,
    run: async ({ store }, request) => {
      const { dependents } = parseQuery(RECORD_QUERY, request.query);
      const { record } = request.params as { record: string };
      const number = /^\d{1,15}$/.test(record) ? Number(record) : -1;
      const found = await inTurnsFor(request, recordDetailsSteps(store, number, dependents === '1'));
      if (found === undefined) return undefined;
      if (found === null) throw new TaskglassError('NOT_FOUND', 'there is no record of that number');
      return { seq: store.seq, ...found };
    },
  },
  {
    method: 'GET',
    path: '/shares',
    summary: 'Exact busy time per bin of time: what a column of pixels shows',
    query: SHARES_QUERY,
    answer: SHARES,
    status: 200,
    run: ({ store }, request) => {
      const { only, rest } = splitMatch(parseQuery(SHARES_QUERY, request.query));
      const { bins = DEFAULT_BINS, by, name, worker, ...range } = rest;
      return inTurnsFor(
        request,
        sharesSteps(store, { ...rangeOf(store, range), bins, by, only: { ...only, name, worker } }),
      );
    },
  },
  {
    method: 'GET',
    path: '/functions',
    summary: 'What each function did in a range of time: counts, durations, bytes, transfers',
    query: FUNCTIONS_QUERY,
    answer: FUNCTIONS,
    status: 200,
    run: ({ store }, request) => {
      const { only, rest } = splitMatch(parseQuery(FUNCTIONS_QUERY, request.query));
      const { limit = DEFAULT_FUNCTIONS, tracks: list, since, until, ...query } = rest;
      const tracks = list === undefined ? undefined : trackSet(list);
      const range = rangeOf(store, { since, until });
      return inTurnsFor(request, scanned(store, functionsSteps(store, { ...query, ...range, tracks, only, limit })));
    },
  },
  ...SEARCH_ROUTES,
  {
    method: 'POST',
    path: '/example',
    summary: 'Runs the example computation (`taskglass demo` only)',
    query: NO_QUERY,
    answer: EXAMPLE,
    status: 202,
    run: ({ store, example }, request) => {
      parseQuery(NO_QUERY, request.query);
      if (example === null) throw new TaskglassError('NOT_FOUND', 'the example runs on the embedded engine alone');
      return { seq: store.seq, started: example.start() };
    },
  },
];

function view(path: string, summary: string, answer: z.ZodType, make: (store: Store) => unknown): ApiRoute {
  return {
    method: 'GET',
    path,
    summary,
    query: NO_QUERY,
    answer,
    status: 200,
    run: ({ store }, request) => {
      parseQuery(NO_QUERY, request.query);
      const answer = make(store);
      if (answer === null) throw new TaskglassError('NO_CLUSTER', store.link.reason || 'still trying');
      return answer;
    },
  };
}

/** What a query narrows records by, in the store's words. */
function filterOf(query: Omit<z.output<typeof TASKS_QUERY>, 'format' | 'limit'>): Omit<TasksFilter, 'limit'> {
  const { min_duration: minDuration, max_duration: maxDuration, text, regex, ...filter } = query;
  return { ...filter, minDuration, maxDuration, text: keyTest(text, regex === '1') };
}

/** A range of time, of which by default the last run up to now. */
function rangeOf(
  store: Store,
  query: { readonly since?: number | undefined; readonly until?: number | undefined },
): { readonly since: number; readonly until: number } {
  const until = query.until ?? store.clock();
  const since =
    query.since ?? Math.min(until, store.runs.last === undefined ? until - 1 : toSeconds(store.runs.last.start));
  if (since >= until) throw new TaskglassError('QUERY_INVALID', 'until: must lie after since');
  return { since, until };
}

/** All records that match, one a line. Rows are made as the socket takes them, so a slow reader costs a chunk. */
async function sendLines(
  store: Store,
  filter: Omit<TasksFilter, 'limit'>,
  limit: number | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<undefined> {
  const page = (part: { limit: number; after?: number; counted?: boolean }) =>
    inTurns(tasksFoundSteps(store, { ...filter, ...part }));
  const first = await page({ limit: Math.min(DEFAULT_LIMIT, limit ?? DEFAULT_LIMIT) });
  async function* lines(): AsyncGenerator<string> {
    let { tasks, next } = first;
    let left = limit ?? Number.POSITIVE_INFINITY;
    for (;;) {
      left -= tasks.length;
      let chunk = '';
      for (const task of tasks) {
        chunk += `${JSON.stringify(task)}\n`;
        if (chunk.length < CHUNK) continue;
        yield chunk;
        chunk = '';
      }
      if (chunk !== '') yield chunk;
      if (next === null || left <= 0) return;
      // Others are served between pages.
      await setImmediate();
      ({ tasks, next } = await page({ after: next, limit: Math.min(DEFAULT_LIMIT, left), counted: false }));
    }
  }
  reply
    .type(NDJSON)
    .header('taskglass-seq', store.seq)
    .header('taskglass-total', first.total)
    .send(request.method === 'HEAD' ? '' : Readable.from(lines(), { objectMode: false, highWaterMark: CHUNK }));
  return undefined;
}
