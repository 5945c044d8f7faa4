import { z } from 'zod';
import { TaskglassError } from '../../base/errors.ts';
import { RECORD_STATUSES, type RecordStatus } from '../../model/task-state.ts';
import { printable } from '../../serving/printable.ts';
import { FUNCTION_SORTS, SEARCH_FIELDS } from '../../store/queries/queries.ts';
import { EXPORT_FORMATS } from '../export/formats.ts';
import { keyTest } from './text-test.ts';

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

/** One or several of them, each behind the same name. */
function list(description: string) {
  const schema = z.array(z.string().min(1).max(1_000)).max(100);
  return z
    .preprocess((value) => (typeof value === 'string' ? [value] : value), schema)
    .meta({ description })
    .optional() as z.ZodOptional<z.ZodType<string[]>>;
}

/** `0` or `1`. */
const flag = (description: string, preset: '0' | '1') =>
  z
    .enum(['0', '1'])
    .meta({ description: `${description} Default ${preset}.` })
    .default(preset);

const MAX_TRACK = 9_999_999;

const tracks = z
  .string()
  .max(10_000)
  .regex(/^\d{1,7}(-\d{1,7})?(,\d{1,7}(-\d{1,7})?)*$/)
  .meta({ description: 'Only these rows of the stream, by number: `0-119,200`.' })
  .optional();

/** Which records: what every list of them can be narrowed by. */
const RECORD_FILTER = {
  name: list('Function, exactly as shown (`inc`); several times: any of them.'),
  worker: list('Address or name of the worker; several times: any of them.'),
  since,
  until,
  min_duration: number('Only what took at least so many seconds, from its first start to its last stop.', seconds),
  max_duration: number('Only what took at most so many seconds.', seconds),
};

const order = z.enum(['oldest', 'newest']).meta({ description: 'Which come first, by arrival.' }).default('oldest');
const after = number('Only records behind this one: `next` of the page before.', z.number().int().min(0));

/** What tasks can be told by besides, where a range, functions and rows are asked for by themselves. */
const MATCH_FILTER = {
  status: z
    .enum(RECORD_STATUSES)
    .meta({
      description: 'Only tasks that ended so; where tasks are narrowed otherwise, default: those that finished.',
    })
    .optional(),
  min_duration: RECORD_FILTER.min_duration,
  max_duration: RECORD_FILTER.max_duration,
  text: text('Only tasks whose keys contain this text.'),
  regex: flag('1: `text` is a regular expression, in the syntax of RE2.', '0'),
};

export const NO_QUERY = z.strictObject({});

export const RESOURCES_QUERY = z.strictObject({
  since: number('Only samples after this time, seconds since epoch.', seconds),
});

export const TASKS_QUERY = z.strictObject({
  ...RECORD_FILTER,
  status: z
    .enum([...RECORD_STATUSES, 'processing'])
    .meta({ description: 'How the record ended.' })
    .optional(),
  text: text('Only keys that contain this text.'),
  regex: flag('1: `text` is a regular expression, in the syntax of RE2.', '0'),
  order: z
    .enum(['oldest', 'newest', 'slowest', 'largest'])
    .meta({
      description:
        'Which come first: by arrival, by how long they took, by the size of results. The last two have one page.',
    })
    .default('oldest'),
  after,
  limit: number(
    `Records on a page, 1 to ${MAX_TASKS_PAGE}; default 1000. For ndjson: in all, default unlimited.`,
    z.number().int().min(1),
  ),
  format: z
    .enum(['json', 'ndjson', 'arrow', 'parquet'])
    .meta({ description: 'json: one page. ndjson: one record a line, all pages. arrow, parquet: all, as a file.' })
    .default('json'),
});

export const RECORD_QUERY = z.strictObject({
  dependents: flag('1: tells the tasks that took its result too.', '0'),
});

export const EXPORT_QUERY = z.strictObject({
  format: z.enum(EXPORT_FORMATS).meta({
    description:
      'parquet, arrow: one row a task, for pandas, DuckDB, Polars. ndjson, csv: the same as text. chrome: a trace that Perfetto opens. html: the pages with the data inside, one file that needs no server.',
  }),
  ...RECORD_FILTER,
  tracks,
  status: z.enum(RECORD_STATUSES).meta({ description: 'How the task ended.' }).optional(),
  text: text('Only keys that contain this text.'),
  regex: flag('1: `text` is a regular expression, in the syntax of RE2.', '0'),
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
    worker: list('Only the rows of this worker; several times: of any of them.'),
    name: list('Only this function; several times: any of them. All other time is idle.'),
    ...MATCH_FILTER,
  })
  .refine((query) => query.since === undefined || query.until === undefined || query.since < query.until, {
    path: ['until'],
    message: 'must lie after since',
  });

const MAX_FUNCTIONS = 10_000;

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
    worker: list('Address or name of the worker; several times: any of them.'),
    name: list('Only this function; several times: any of them.'),
    ...MATCH_FILTER,
    tracks,
    sort: z.enum(FUNCTION_SORTS).meta({ description: 'Greatest first.' }).default('total'),
    limit: number(`Functions listed, 1 to ${MAX_FUNCTIONS}; default 100.`, z.number().int().min(1).max(MAX_FUNCTIONS)),
  })
  .refine((query) => query.since === undefined || query.until === undefined || query.since < query.until, {
    path: ['until'],
    message: 'must lie after since',
  });

const MAX_SEARCH_PAGE = 1_000;
const MAX_MARKS = 1_024;

const SEARCH_PARAMETERS = z.strictObject({
  q: text('What to look for. Capitals matter when it has any. Default: all that the other parameters leave.'),
  regex: flag('1: `q` is a regular expression, in the syntax of RE2: no back references, no looking around.', '0'),
  in: z
    .string()
    .regex(new RegExp(`^(${SEARCH_FIELDS.join('|')})(,(${SEARCH_FIELDS.join('|')})){0,3}$`))
    .meta({ description: `Where, with commas between: ${SEARCH_FIELDS.join(', ')}. Default: all of them.` })
    .optional(),
  ...RECORD_FILTER,
  status: z.enum(RECORD_STATUSES).meta({ description: 'How the record ended; default: any.' }).optional(),
  text: text('Only keys that contain this text.'),
  text_regex: flag('1: `text` is a regular expression, in the syntax of RE2.', '0'),
  order,
  after,
  limit: number(
    `Records on a page, 1 to ${MAX_SEARCH_PAGE}; default 100.`,
    z.number().int().min(1).max(MAX_SEARCH_PAGE),
  ),
  count: flag('0: answers as soon as the page is full; `total` is null then.', '1'),
  marks: number(
    `In how many equal parts of history hits are counted, 1 to ${MAX_MARKS}; default: they are not.`,
    z.number().int().min(1).max(MAX_MARKS),
  ),
});

const NARROWING = ['q', 'status', 'text', 'name', 'worker', 'since', 'until', 'min_duration', 'max_duration'] as const;

export const SEARCH_QUERY = SEARCH_PARAMETERS.refine(
  (query) => NARROWING.some((parameter) => query[parameter] !== undefined),
  { path: ['q'], message: 'or something else to look for must be given' },
);

/** What of a query tells tasks apart, in the store's words, and the rest. Throws QUERY_INVALID for no pattern. */
export function splitMatch<Q extends MatchQuery>({ status, min_duration, max_duration, text, regex, ...rest }: Q) {
  const only = { status, minDuration: min_duration, maxDuration: max_duration, text: keyTest(text, regex === '1') };
  return { only, rest };
}

interface MatchQuery {
  readonly status?: RecordStatus | undefined;
  readonly min_duration?: number | undefined;
  readonly max_duration?: number | undefined;
  readonly text?: string | undefined;
  readonly regex: '0' | '1';
}

export const AREA_QUERY = z
  .strictObject({
    since: z
      .preprocess(fromText, seconds)
      .meta({ description: 'Start of the area, seconds since epoch.' }) as z.ZodType<number>,
    until: z
      .preprocess(fromText, seconds)
      .meta({ description: 'End of the area, seconds since epoch.' }) as z.ZodType<number>,
    tracks,
    worker: list('Only the rows of this worker; several times: of any of them.'),
    name: list('Only this function; several times: any of them.'),
    ...MATCH_FILTER,
    by: z.enum(['function', 'worker']).meta({ description: 'worker: tells `workers` too.' }).default('function'),
    sort: z.enum(FUNCTION_SORTS).meta({ description: 'Greatest first.' }).default('total'),
    limit: number(
      `Functions, and workers, listed, 1 to ${MAX_FUNCTIONS}; default 100.`,
      z.number().int().min(1).max(MAX_FUNCTIONS),
    ),
  })
  .refine((query) => query.since < query.until, { path: ['until'], message: 'must lie after since' });

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
