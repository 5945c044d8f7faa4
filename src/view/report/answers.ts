import { atOnce } from '../../base/steps.ts';
import { RECORD_STATUSES } from '../../model/task-state.ts';
import { toMicros } from '../../model/units.ts';
import { activitySteps } from '../../store/queries/activity-view.ts';
import { areaOf } from '../../store/queries/area-view.ts';
import type { TextTest } from '../../store/queries/key-search.ts';
import {
  FUNCTION_SORTS,
  functionsSteps,
  recordDetailsSteps,
  SEARCH_FIELDS,
  searchSteps,
  tasksPageSteps,
} from '../../store/queries/queries.ts';
import type { RecordFilter } from '../../store/queries/record-filter.ts';
import type { ReportStore } from './history.ts';

/** What the HTTP API of the server would say, of what is in the file; a problem for what a file does not have. */
export function answer(store: ReportStore, address: URL | string): Response {
  const url = new URL(address, 'https://report.invalid/');
  const path = /\/api\/v1\/(.*)$/.exec(url.pathname)?.[1] ?? '';
  const query = url.searchParams;
  const record = /^tasks\/(\d{1,15})$/.exec(path)?.[1];
  try {
    const found = record === undefined ? viewOf(store, path, query) : recordOf(store, Number(record), query);
    if (found instanceof Response) return found;
    return found === null ? problem(404, 'NOT_FOUND', 'This is not in the file') : Response.json(found);
  } catch (error) {
    if (error instanceof SyntaxError) return problem(400, 'QUERY_INVALID', `That is no pattern: ${error.message}`);
    throw error;
  }
}

function recordOf(store: ReportStore, record: number, query: URLSearchParams): object | null {
  return atOnce(recordDetailsSteps(store, record, query.get('dependents') === '1'));
}

function viewOf(store: ReportStore, path: string, query: URLSearchParams): Response | object | null {
  const filter = filterOf(query);
  const status = RECORD_STATUSES.find((name) => name === query.get('status'));
  const order = query.get('order') === 'newest' ? 'newest' : 'oldest';
  const ranked = (['slowest', 'largest'] as const).find((name) => name === query.get('order'));
  const after = numberOf(query, 'after');
  const limit = numberOf(query, 'limit') ?? 100;
  switch (path) {
    case 'tasks':
      // How many there are cannot be told from sums by time.
      if (limit === 1 && isLeftOut(store, filter.since ?? 0, filter.until ?? store.now)) return null;
      return atOnce(tasksPageSteps(store, { ...filter, status, order: ranked ?? order, after, limit }));
    case 'search': {
      const fields = query.get('in')?.split(',');
      return atOnce(
        searchSteps(store, {
          ...filter,
          status,
          order,
          after,
          limit,
          test: testOf(query),
          fields: SEARCH_FIELDS.filter((field) => fields?.includes(field) !== false),
          counted: query.get('count') === '1',
          bins: numberOf(query, 'marks') ?? 0,
        }),
      );
    }
    case 'functions':
    case 'area': {
      const { since = 0, until = store.now } = filter;
      if (since >= until) return null;
      if (isLeftOut(store, since, until))
        return problem(404, 'NOT_FOUND', 'Of a part of that time only sums are in the file');
      const sort = FUNCTION_SORTS.find((name) => name === query.get('sort')) ?? 'total';
      const only = { ...filter, status };
      const view = atOnce(
        functionsSteps(store, {
          ...filter,
          since,
          until,
          tracks: tracksOf(query),
          only,
          sort,
          limit,
          byWorker: query.get('by') === 'worker',
        }),
      );
      return path === 'area' ? areaOf(view) : view;
    }
    case 'tracks': {
      const { since = 0, until = store.now } = filter;
      return since < until && !isLeftOut(store, since, until) ? atOnce(activitySteps(store, since, until)) : null;
    }
    default:
      return null;
  }
}

/** Whether some of a range is in the file as sums alone. */
function isLeftOut({ slices: { leftOut } }: ReportStore, since: number, until: number): boolean {
  return leftOut !== null && toMicros(since) < leftOut.until && toMicros(until) > leftOut.since;
}

function filterOf(query: URLSearchParams): RecordFilter {
  return {
    name: query.getAll('name'),
    worker: query.getAll('worker'),
    since: numberOf(query, 'since'),
    until: numberOf(query, 'until'),
    minDuration: numberOf(query, 'min_duration'),
    maxDuration: numberOf(query, 'max_duration'),
    text: textOf(query),
  };
}

/** A part of keys, or a pattern. Throws a SyntaxError for no pattern. */
function textOf(query: URLSearchParams): string | TextTest | undefined {
  const text = query.get('text') ?? undefined;
  const regex = query.has('q') || query.has('text_regex') ? query.get('text_regex') : query.get('regex');
  return text !== undefined && regex === '1' ? keyPattern(text) : text;
}

/** The browser's own patterns will do for a file: who looks at it is the one who waits. Throws a SyntaxError for no pattern. */
export function keyPattern(text: string): TextTest {
  const pattern = new RegExp(text);
  return Object.assign((key: string) => pattern.test(key), { asks: text });
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const value = Number.parseFloat(query.get(name) ?? '');
  return Number.isFinite(value) ? value : undefined;
}

/** `0-119,200` as a set of numbers. */
function tracksOf(query: URLSearchParams): Set<number> | undefined {
  const list = query.get('tracks');
  if (list === null) return undefined;
  const tracks = new Set<number>();
  for (const part of list.split(',')) {
    const [first = 0, last = first] = part.split('-').map(Number);
    for (let track = first; track <= last; track++) tracks.add(track);
  }
  return tracks;
}

/** What is looked for: capitals matter when there are any. Throws a SyntaxError for no pattern. */
function testOf(query: URLSearchParams): TextTest | null {
  const text = query.get('q') ?? '';
  if (text === '') return null;
  const fold = text === text.toLowerCase();
  if (query.get('regex') === '1') {
    const pattern = new RegExp(text, fold ? 'i' : '');
    return (other) => pattern.test(other);
  }
  return fold ? (other) => other.toLowerCase().includes(text) : (other) => other.includes(text);
}

function problem(status: number, code: string, title: string): Response {
  return new Response(JSON.stringify({ type: 'about:blank', status, code, title, detail: title }), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  });
}
