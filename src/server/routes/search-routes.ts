import { areaOf } from '../../store/queries/area-view.ts';
import { functionsSteps, SEARCH_FIELDS, searchSteps } from '../../store/queries/queries.ts';
import { scanned } from '../../store/queries/scanned.ts';
import type { ApiRoute } from './api.ts';
import { AREA_QUERY, parseQuery, SEARCH_QUERY, splitMatch, trackSet } from './api-query.ts';
import { AREA, SEARCH } from './api-schema.ts';
import { inTurnsFor } from './in-turns.ts';
import { keyTest, textTest } from './text-test.ts';
import { TRACK_ROUTES } from './track-routes.ts';

const DEFAULT_HITS = 100;
const DEFAULT_FUNCTIONS = 100;

/** Addresses that go through a lot of history: in steps, and only for as long as somebody waits. */
export const SEARCH_ROUTES: readonly ApiRoute[] = [
  {
    method: 'GET',
    path: '/search',
    summary:
      'Records of all history that match, and in which a text is found: in the key, the function, the worker or the error',
    query: SEARCH_QUERY,
    answer: SEARCH,
    status: 200,
    run: ({ store }, request) => {
      const query = parseQuery(SEARCH_QUERY, request.query);
      const { q, regex, count, marks, limit, min_duration, max_duration, text, text_regex, ...filter } = query;
      const asked = {
        ...filter,
        minDuration: min_duration,
        maxDuration: max_duration,
        text: keyTest(text, text_regex === '1'),
        test: q === undefined ? null : textTest({ text: q, regex: regex === '1', capitals: 'smart' }),
        fields: SEARCH_FIELDS.filter((field) => filter.in?.split(',').includes(field) !== false),
        limit: limit ?? DEFAULT_HITS,
        counted: count === '1',
        bins: marks ?? 0,
      };
      return inTurnsFor(request, scanned(store, searchSteps(store, asked)));
    },
  },
  {
    method: 'GET',
    path: '/area',
    summary: 'What happened in an area of the stream: rows times a range of time, by function and in all',
    query: AREA_QUERY,
    answer: AREA,
    status: 200,
    run: async ({ store }, request) => {
      const { only, rest } = splitMatch(parseQuery(AREA_QUERY, request.query));
      const { by, tracks: list, limit = DEFAULT_FUNCTIONS, ...query } = rest;
      const tracks = list === undefined ? undefined : trackSet(list);
      const asked = { ...query, tracks, only, limit, byWorker: by === 'worker' };
      const view = await inTurnsFor(request, scanned(store, functionsSteps(store, asked)));
      return view && areaOf(view);
    },
  },
  ...TRACK_ROUTES,
];
