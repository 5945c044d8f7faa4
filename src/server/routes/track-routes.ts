import { z } from 'zod';
import { TaskglassError } from '../../base/errors.ts';
import { toSeconds } from '../../model/units.ts';
import { activitySteps } from '../../store/queries/activity-view.ts';
import type { ApiRoute } from './api.ts';
import { parseQuery, SHARES_QUERY } from './api-query.ts';
import { inTurnsFor } from './in-turns.ts';

const TRACKS_QUERY = z.strictObject({ since: SHARES_QUERY.shape.since, until: SHARES_QUERY.shape.until });
const count = z.number().int().min(0);
const seconds = z.number().meta({ description: 'Seconds since epoch, the scheduler’s clock.' });

const TRACKS = z.strictObject({
  seq: count,
  time: seconds,
  start: seconds.meta({ description: 'Start of the range, on the grid on which it was looked at.' }),
  stop: seconds,
  worker: z.array(z.string()).meta({ description: 'Columns of one length, in the order of the tracks.' }),
  slot: z.array(count),
  busy: z.array(z.number()).meta({ description: 'Seconds in which the thread did anything in the range.' }),
  last: z.array(z.number().nullable()).meta({ description: 'When it ended something last; null: never.' }),
});

/** What rows of the stream are sorted by. */
export const TRACK_ROUTES: readonly ApiRoute[] = [
  {
    method: 'GET',
    path: '/tracks',
    summary: 'How busy each thread was in a range of time, and when it was last',
    query: TRACKS_QUERY,
    answer: TRACKS,
    status: 200,
    run: ({ store }, request) => {
      const { since, until } = parseQuery(TRACKS_QUERY, request.query);
      const stop = until ?? store.clock();
      const run = store.runs.last;
      const start = since ?? Math.min(stop, run === undefined ? stop - 1 : toSeconds(run.start));
      if (start >= stop) throw new TaskglassError('QUERY_INVALID', 'until: must lie after since');
      return inTurnsFor(request, activitySteps(store, start, stop));
    },
  },
];
