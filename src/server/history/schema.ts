import { z } from 'zod';
import { ENGINE_KINDS, LINK_STATES } from '../../model/source-event.ts';

// Answers and queries of the list of recordings and of the list of clusters.

const count = z.number().int().min(0);
const seconds = z.number().meta({ description: 'Seconds since epoch, the scheduler’s clock.' });
const pages = z
  .string()
  .meta({ description: 'Where its pages lie, relative to the root: empty, or like `recordings/ID/`.' });

const RECORDING = z.strictObject({
  id: z.string().meta({ description: 'The name of its folder.' }),
  pages,
  engine: z.enum(ENGINE_KINDS),
  address: z.string(),
  scheduler_id: z.string(),
  version: z.string(),
  since: seconds,
  until: seconds,
  duration: z.number(),
  tasks: count,
  erred: count,
  missed: count.meta({ description: 'Tasks that are known to have been missed.' }),
  functions: z
    .array(z.strictObject({ name: z.string(), tasks: count, erred: count }))
    .meta({ description: 'The ones with most tasks, most first.' }),
  functions_total: count,
  workers: count.meta({ description: 'Workers on which tasks finished.' }),
  runs: z
    .array(z.strictObject({ start: seconds, stop: seconds, tasks: count, erred: count }))
    .meta({ description: 'The latest bursts of activity, oldest first.' }),
  runs_total: count,
  nbytes: count.meta({ description: 'Size on the disk.' }),
  pinned: z.boolean().meta({ description: 'Never deleted by age, size or count.' }),
  live: z.boolean().meta({ description: 'It is being written now.' }),
  unreadable: count.meta({ description: 'Segments whose tasks are not counted, because they cannot be read.' }),
});

export const RECORDINGS = z.strictObject({
  folder: z
    .string()
    .nullable()
    .meta({ description: 'Where recordings lie; null where this server has no such folder.' }),
  recording: z.boolean().meta({ description: 'Whether this server writes down what it watches.' }),
  total: count.meta({ description: 'Recordings that match.' }),
  nbytes: count.meta({ description: 'Size of all recordings in the folder.' }),
  next: z.string().nullable().meta({ description: 'Where the next page begins, as `after`; null on the last one.' }),
  recordings: z.array(RECORDING),
});

export const CHANGED = z.strictObject({ id: z.string(), pinned: z.boolean() });
export const DELETED = z.strictObject({ id: z.string(), deleted: z.literal(true) });

export const CLUSTERS = z.strictObject({
  history: z.boolean().meta({ description: 'Whether this server has a folder of recordings.' }),
  clusters: z.array(
    z.strictObject({
      name: z.string().meta({ description: 'As it was given; else its address, empty as long as that is not known.' }),
      pages,
      engine: z.enum(ENGINE_KINDS).nullable(),
      address: z.string().nullable(),
      link: z.enum(LINK_STATES),
      link_reason: z.string(),
      workers: count,
      tasks: count.meta({ description: 'Finished tasks in the store.' }),
    }),
  ),
});

const MOST = 1_000;

export const RECORDINGS_QUERY = z.strictObject({
  q: z
    .string()
    .max(1_000)
    .meta({
      description:
        'Only recordings in whose address, id, version, day, functions or workers each of these words occurs, in either case.',
    })
    .optional(),
  after: z.string().min(1).max(200).meta({ description: '`next` of the page before.' }).optional(),
  limit: z
    .preprocess(
      (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value),
      z.number().int().min(1).max(MOST),
    )
    .meta({ description: `Recordings on a page, 1 to ${MOST}; default 100.` })
    .optional() as z.ZodOptional<z.ZodType<number>>,
});
