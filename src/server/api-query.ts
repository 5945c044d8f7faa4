import { z } from 'zod';
import { TaskglassError } from '../base/errors.ts';
import { RECORD_STATUSES } from '../model/task-state.ts';
import { printable } from '../serving/printable.ts';
import { FUNCTION_SORTS } from '../store/queries.ts';

/**
 * What may stand behind the `?` of each API address. One schema both checks the query and describes it in the OpenAPI
 * document, so neither can say what the other does not.
 */

/** Query strings are text; a number is one that JSON would take. */
function fromText(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,16}(\.\d{1,9})?$/.test(value) ? Number(value) : value;
}

function number(description: string, schema: z.ZodNumber): z.ZodOptional<z.ZodType<number>> {
  return z.preprocess(fromText, schema).meta({ description }).optional() as z.ZodOptional<z.ZodType<number>>;
}

const seconds = z.number().min(0).max(1e11);
const text = (description: string) => z.string().min(1).max(1_000).meta({ description }).optional();

const since = number('Only what ended at or after this time, seconds since epoch.', seconds);
const until = number('Only what started at or before this time, seconds since epoch.', seconds);

export const MAX_TASKS_PAGE = 10_000;
const MAX_BINS = 4_096;

export const NO_QUERY = z.strictObject({});

export const RESOURCES_QUERY = z.strictObject({
  since: number('Only samples after this time, seconds since epoch.', seconds),
});

export const TASKS_QUERY = z.strictObject({
  name: text('Function, exactly as shown (`inc`).'),
  worker: text('Address or name of the worker.'),
  status: z
    .enum([...RECORD_STATUSES, 'processing'])
    .meta({ description: 'How the record ended.' })
    .optional(),
  since,
  until,
  text: text('Only keys that contain this text.'),
  after: number('Only records after this one: `next` of the page before.', z.number().int().min(0)),
  limit: number(
    `Records on a page, 1 to ${MAX_TASKS_PAGE}; default 1000. For ndjson: in all, default unlimited.`,
    z.number().int().min(1),
  ),
  format: z
    .enum(['json', 'ndjson'])
    .meta({ description: 'json: one page. ndjson: one record a line, all pages.' })
    .default('json'),
});

export const SHARES_QUERY = z
  .strictObject({
    since: number('Start of the first bin, seconds since epoch; default: start of the last run.', seconds),
    until: number('End of the last bin, seconds since epoch; default: now.', seconds),
    bins: number(`Number of bins, 1 to ${MAX_BINS}; default 100.`, z.number().int().min(1).max(MAX_BINS)),
    by: z
      .enum(['function', 'worker', 'track'])
      .meta({ description: 'What busy time is summed over.' })
      .default('function'),
  })
  .refine((query) => query.since === undefined || query.until === undefined || query.since < query.until, {
    path: ['until'],
    message: 'must lie after since',
  });

const MAX_FUNCTIONS = 10_000;
const MAX_TRACK = 9_999_999;

/** `0-119,200` as a set of numbers. */
export function trackSet(list: string): Set<number> {
  const tracks = new Set<number>();
  for (const part of list.split(',')) {
    const [first = 0, last = first] = part.split('-').map(Number);
    for (let track = first; track <= Math.min(last, MAX_TRACK, first + MAX_TASKS_PAGE); track++) tracks.add(track);
  }
  return tracks;
}

export const FUNCTIONS_QUERY = z
  .strictObject({
    since: number('Start of the range, seconds since epoch; default: start of the last run.', seconds),
    until: number('End of the range, seconds since epoch; default: now.', seconds),
    worker: text('Address or name of the worker.'),
    tracks: z
      .string()
      .max(1_000)
      .regex(/^\d{1,7}(-\d{1,7})?(,\d{1,7}(-\d{1,7})?)*$/)
      .meta({ description: 'Only these rows of the stream, by number: `0-119,200`.' })
      .optional(),
    sort: z.enum(FUNCTION_SORTS).meta({ description: 'Greatest first.' }).default('total'),
    limit: number(`Functions listed, 1 to ${MAX_FUNCTIONS}; default 100.`, z.number().int().min(1).max(MAX_FUNCTIONS)),
  })
  .refine((query) => query.since === undefined || query.until === undefined || query.since < query.until, {
    path: ['until'],
    message: 'must lie after since',
  });

/** Throws QUERY_INVALID that names every parameter that is wrong and says how. */
export function parseQuery<S extends z.ZodType>(schema: S, query: unknown): z.output<S> {
  const result = schema.safeParse(query);
  if (result.success) return result.data;
  const details = result.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const names = issue.keys.map((key) => `"${printable(key)}"`).join(', ');
      return `${names} ${issue.keys.length === 1 ? 'is not a parameter' : 'are not parameters'} of this address`;
    }
    return `${issue.path.map((part) => printable(String(part))).join('.')}: ${issue.message}`;
  });
  throw new TaskglassError('QUERY_INVALID', details.slice(0, 5).join('; '));
}
