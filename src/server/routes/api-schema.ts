import { z } from 'zod';
import { ERRORS } from '../../base/errors.ts';
import { RESOURCE_COLUMNS } from '../../model/batch.ts';
import { DEBUG_UNITS } from '../../model/debug.ts';
import { AGENT_MODES, ENGINE_KINDS, LINK_STATES } from '../../model/source-event.ts';
import { ACTIONS, RECORD_STATUSES, SCHEDULER_STATES } from '../../model/task-state.ts';
import { snakeCase } from '../../store/queries/json.ts';

/**
 * The answers of the HTTP API, v1. They only ever gain fields. The OpenAPI document is made from these, and a test holds
 * every live answer against it. A number that is not known is null.
 */
const count = z.number().int().min(0);
const known = z.number().nullable();
const seconds = z.number().meta({ description: 'Seconds since epoch, the scheduler’s clock.' });
const seq = count.meta({ description: 'Version of the state that this answer shows.' });
const color = z.strictObject({
  index: count.meta({ description: 'By first appearance; the same for every viewer.' }),
  hex: z.string().regex(/^#[0-9a-f]{6}$/),
});
const states = z.strictObject(Object.fromEntries(SCHEDULER_STATES.map((state) => [state, count])));

export const PROBLEM = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.enum(Object.keys(ERRORS) as [string, ...string[]]),
    detail: z.string(),
    advice: z.string(),
  })
  .meta({ description: 'RFC 9457 problem document.' });

export const CLUSTER = z.strictObject({
  seq,
  time: seconds,
  engine: z.enum(ENGINE_KINDS),
  address: z.string(),
  id: z.string(),
  version: z.string(),
  started: seconds,
  link: z.enum(LINK_STATES),
  link_reason: z.string(),
  workers: count,
  threads: count,
  memory_limit: z.number(),
  tasks: states,
  services: z.record(z.string(), z.number()).meta({ description: 'What the scheduler serves, and on which ports.' }),
  agent: z.strictObject({
    mode: z.enum(AGENT_MODES),
    share: known.meta({ description: 'Share of one core of the scheduler, 0..1.' }),
    per_task: known.meta({ description: 'Microseconds of scheduler CPU per finished task.' }),
    loop_lag: known.meta({ description: 'Delay of the scheduler’s event loop, seconds.' }),
  }),
});

export const PROGRESS = z.strictObject({
  seq,
  time: seconds,
  totals: states,
  functions: z.array(
    z.strictObject({
      name: z.string(),
      color,
      total: count,
      released: count,
      memory: count,
      erred: count,
      processing: count,
      queued: count,
      no_worker: count,
      waiting: count,
      nbytes: z.number(),
    }),
  ),
});

export const MEMORY = z.strictObject({
  seq,
  time: seconds,
  nbytes: z.number(),
  functions: z.array(z.strictObject({ name: z.string(), color, nbytes: z.number(), keys: count })),
});

const rates = z.strictObject({ read: known, write: known });

export const WORKERS = z.strictObject({
  seq,
  time: seconds,
  hosts: z.array(
    z.strictObject({
      host: z.string(),
      workers: count,
      nthreads: count,
      cpu: known,
      memory: z.strictObject({ process: known, limit: known }),
      processing: count,
      in_memory: count,
      network: rates,
      disk: rates,
    }),
  ),
  workers: z.array(
    z.strictObject({
      address: z.string(),
      name: z.string(),
      host: z.string(),
      status: z.string(),
      nthreads: count,
      version: z.string(),
      cpu: known,
      memory: z.strictObject({
        process: known,
        managed: known,
        unmanaged_old: known,
        unmanaged_recent: known,
        spilled: known,
        limit: known,
      }),
      processing: count,
      in_memory: count,
      executing: count,
      occupancy: known,
      latency: known,
      last_seen: known,
      network: rates,
      disk: rates,
      services: z.record(z.string(), z.number()),
      pid: count,
    }),
  ),
});

const startstop = z.strictObject({
  action: z.enum(ACTIONS),
  start: seconds,
  stop: seconds,
  source: z.string().optional(),
});

const TASK = z.strictObject({
  record: count,
  key: z.string(),
  name: z.string(),
  group: z.string(),
  worker: z.string(),
  worker_name: z.string(),
  slot: z.number().int(),
  status: z.enum([...RECORD_STATUSES, 'processing']),
  ready: seconds
    .nullable()
    .meta({ description: 'When all that it depends on was there; null where that is not known.' }),
  start: seconds,
  stop: seconds.nullable(),
  nbytes: known,
  type: z.string(),
  past: z.boolean().meta({ description: 'Finished before we attached.' }),
  startstops: z.array(startstop),
  exception: z.string().optional(),
  traceback: z.string().optional(),
});

export const TASKS = z.strictObject({
  seq,
  total: count.meta({ description: 'Records that match, on all pages.' }),
  next: count.nullable().meta({ description: 'Give it as `after` to get the next page; null on the last.' }),
  tasks: z.array(TASK),
});

export const SEARCH = z.strictObject({
  seq,
  total: count.nullable().meta({ description: 'Hits on all pages; null with count=0.' }),
  next: count.nullable().meta({ description: 'Give it as `after` to get the next page; null on the last.' }),
  marks: z
    .strictObject({
      start: seconds.meta({ description: 'Start of the first part of history.' }),
      bin: z.number().meta({ description: 'Length of a part, seconds.' }),
      counts: z.array(count).meta({ description: 'Hits that started in each part.' }),
    })
    .nullable(),
  tasks: z.array(TASK),
});

const linked = z.strictObject({
  record: count,
  key: z.string(),
  name: z.string(),
  track: count.meta({ description: 'Row of the stream, by number.' }),
  start: seconds,
  stop: seconds,
});

export const RECORD = z.strictObject({
  seq,
  ...TASK.shape,
  dependencies: z.strictObject({
    total: count.meta({ description: 'Tasks whose results it took; 0 where that is not known.' }),
    tasks: z.array(linked).meta({ description: 'Those of them that are records here, at most 64.' }),
  }),
  dependents: z
    .strictObject({
      total: count.meta({ description: 'Tasks that took its result, as far as was looked.' }),
      complete: z.boolean().meta({ description: 'All records behind it were looked at.' }),
      tasks: z.array(linked).meta({ description: 'The first of them, at most 100.' }),
    })
    .optional(),
});

const RESOURCE_NAMES = RESOURCE_COLUMNS.map(snakeCase);

export const RESOURCES = z.strictObject({
  seq,
  time: seconds,
  samples: z
    .strictObject(Object.fromEntries(RESOURCE_NAMES.map((name) => [name, z.array(known)])))
    .meta({ description: 'Columns of one length, oldest sample first.' }),
});

export const SHARES = z.strictObject({
  seq,
  time: seconds,
  start: seconds.meta({ description: 'Start of the first bin.' }),
  bin: z.number().meta({ description: 'Width of a bin, seconds: 2^level µs.' }),
  bins: count,
  level: count,
  by: z.enum(['function', 'worker', 'track']),
  groups: z.array(
    z.strictObject({
      worker: z.string().nullable(),
      worker_name: z.string().nullable(),
      slot: z.number().int().nullable(),
      tracks: count,
      shares: z.array(
        z.strictObject({
          kind: z.enum(['function', 'transfer', 'disk', 'erred', 'deserialize', 'lost']),
          name: z.string(),
          color: color.nullable(),
          busy: z.array(z.number()).meta({ description: 'Seconds, one number a bin.' }),
        }),
      ),
      idle: z.array(z.number()).meta({ description: 'Seconds, one number a bin, summed over the tracks.' }),
    }),
  ),
});

const lengthOf = (what: string) =>
  known.meta({ description: `${what} of whole computes, seconds; null where there were none.` });

export const FUNCTIONS = z.strictObject({
  seq,
  time: seconds,
  start: seconds.meta({ description: 'Start of the range.' }),
  stop: seconds.meta({ description: 'End of the range.' }),
  tracks: count,
  wall: z.number().meta({ description: 'The range times the tracks, seconds.' }),
  idle: z.number().meta({ description: 'Seconds of `wall` in which nothing happened.' }),
  totals: z.strictObject({
    compute: z.number().meta({ description: 'Seconds of computing by tasks that neither erred nor were lost.' }),
    erred: z.number(),
    lost: z.number(),
    transfer: z.number(),
    disk: z.number(),
    deserialize: z.number(),
  }),
  total: count.meta({ description: 'Functions in the range, listed or not.' }),
  functions: z.array(
    z.strictObject({
      name: z.string(),
      color,
      count: count.meta({ description: 'Tasks that computed in the range, wholly or in part.' }),
      erred: count,
      total: z.number().meta({ description: 'Seconds of computing within the range.' }),
      transfer: z.number().meta({ description: 'Seconds of transfers for its tasks within the range.' }),
      disk: z.number().meta({ description: 'Seconds of reading and writing for its tasks within the range.' }),
      transfer_share: z.number().meta({ description: 'Of computing, transfers and disk, 0..1.' }),
      disk_share: z.number().meta({ description: 'Of computing, transfers and disk, 0..1.' }),
      share: z.number().meta({ description: 'Computing as a share of `wall`, 0..1; more where tasks overlap.' }),
      mean: lengthOf('Mean'),
      p50: lengthOf('Median, within 1 %,'),
      p95: lengthOf('95th percentile, within 1 %,'),
      max: lengthOf('Longest'),
      nbytes: z.number().meta({ description: 'Bytes of the results.' }),
    }),
  ),
});

const share = z.number().meta({ description: 'Of `wall`, 0..1.' });

const shares = {
  compute: share,
  erred: share,
  lost: share,
  transfer: share,
  disk: share,
  deserialize: share,
  idle: share,
};

export const AREA = z.strictObject({
  ...FUNCTIONS.shape,
  workers: z
    .array(z.strictObject({ name: z.string(), address: z.string(), tracks: count, ...shares }))
    .meta({ description: 'With `by=worker`, the busiest first: shares of the range on the rows of each.' })
    .optional(),
  shares: z
    .strictObject(shares)
    .meta({ description: 'What filled the area. More than 1 in all where transfers run beside computing.' }),
});

export const RUNS = z.strictObject({
  seq,
  time: seconds,
  runs: z.array(z.strictObject({ start: seconds, stop: seconds, records: count, erred: count, cluster: z.string() })),
  gaps: z.array(
    z.strictObject({
      since: seconds,
      until: seconds,
      size: count.nullable().meta({ description: 'Finished tasks that are not in the store; null when nobody knows.' }),
      reason: z.string(),
    }),
  ),
});

export const EXAMPLE = z.strictObject({
  seq,
  started: z.boolean().meta({ description: 'False: it was running already.' }),
});

const unit = z
  .enum(DEBUG_UNITS)
  .meta({ description: 'How the number is meant: `seconds` is a duration, `time` a point in time, `share` 1 = all.' });
const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const topic = z.string().meta({ description: 'The last part of its address.' });

export const DEBUG_INDEX = z.strictObject({
  role: z.enum(['scheduler', 'worker']),
  name: z.string(),
  address: z.string(),
  engine: z.enum(['dask', 'embedded']),
  version: z.string(),
  pid: z.number(),
  topics: z.array(z.strictObject({ topic, title: z.string() })),
});

const node = z.strictObject({
  name: z.string(),
  detail: z.string(),
  value: z.number().meta({ description: 'Of the node and all below it.' }),
  children: z.array(z.unknown()).meta({ description: 'The nodes below it, of the same shape.' }),
});

export const DEBUG_VIEW = z.strictObject({
  topic,
  title: z.string(),
  time: z.number().meta({ description: 'Seconds since epoch, clock of the process.' }),
  cost: z.number().meta({ description: 'Seconds of the process’s CPU that reading it took.' }),
  facts: z.array(z.strictObject({ name: z.string(), unit, value })),
  tables: z.array(
    z.strictObject({
      title: z.string(),
      columns: z.array(z.strictObject({ name: z.string(), unit })),
      rows: z.array(z.array(value)),
      total: count.meta({ description: 'Rows in all; `rows` are the first of them.' }),
    }),
  ),
  series: z.array(
    z.strictObject({
      title: z.string(),
      unit,
      times: z.array(z.number()),
      lines: z.array(z.strictObject({ name: z.string(), values: z.array(known) })),
    }),
  ),
  trees: z.array(z.strictObject({ title: z.string(), unit, root: node })),
  notes: z.array(z.string()),
});
