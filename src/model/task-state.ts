/**
 * The scheduler's task states, in the order in which a task goes through them. Dask's exact words;
 * `forgotten` is left out because a forgotten task has no state any more (see `forgotten` in
 * {@link FunctionCounts}).
 */
export const SCHEDULER_STATES = [
  'waiting',
  'no-worker',
  'queued',
  'processing',
  'memory',
  'released',
  'erred',
] as const;
export type SchedulerState = (typeof SCHEDULER_STATES)[number];
export const STATE_COUNT = SCHEDULER_STATES.length;

export const STATE_INDEX: Readonly<Record<SchedulerState, number>> = Object.freeze(
  Object.fromEntries(SCHEDULER_STATES.map((s, i) => [s, i])) as Record<SchedulerState, number>,
);

/** What a worker thread was doing during a startstop (Dask's `action`). */
export const ACTIONS = ['compute', 'transfer', 'disk-read', 'disk-write', 'deserialize'] as const;
export type Action = (typeof ACTIONS)[number];
export const ACTION_INDEX: Readonly<Record<Action, number>> = Object.freeze(
  Object.fromEntries(ACTIONS.map((a, i) => [a, i])) as Record<Action, number>,
);

/** How a record ended. `lost`: its worker went away while it ran; it did not finish and is not counted as finished. */
export const RECORD_STATUSES = ['memory', 'erred', 'lost'] as const;
export type RecordStatus = (typeof RECORD_STATUSES)[number];
export const STATUS_MEMORY = 0;
export const STATUS_ERRED = 1;
export const STATUS_LOST = 2;

/**
 * What one unit of busy time on a track is drawn as: a function's colour, or one of the reserved
 * colours. Category ids are `CATEGORY_*` below, or `CATEGORY_FUNCTION + function index`.
 */
export const CATEGORY_ERRED = 0;
export const CATEGORY_TRANSFER = 1;
export const CATEGORY_DISK = 2;
export const CATEGORY_DESERIALIZE = 3;
export const CATEGORY_LOST = 4;
export const CATEGORY_FUNCTION = 8;
/**
 * Where a window has a filter, this is added to the category of what does not match it. In answers, functions whose categories would
 * reach here share the last one below.
 */
export const UNMATCHED = 0x8000;

/** A category as an answer says it. */
export function matchedCategory(category: number, matches: boolean): number {
  const plain = Math.min(category, UNMATCHED - 1);
  return matches ? plain : UNMATCHED + plain;
}

/** A category without what it says of matching. */
export function plainCategory(category: number): number {
  return category >= UNMATCHED ? category - UNMATCHED : category;
}

/** The category of a startstop. `status` is the record's: a compute that erred is black whatever its function. */
export function categoryOf(action: number, status: number, fn: number): number {
  switch (action) {
    case ACTION_INDEX.transfer:
      return CATEGORY_TRANSFER;
    case ACTION_INDEX['disk-read']:
    case ACTION_INDEX['disk-write']:
      return CATEGORY_DISK;
    case ACTION_INDEX.deserialize:
      return CATEGORY_DESERIALIZE;
    default:
      if (status === STATUS_ERRED) return CATEGORY_ERRED;
      if (status === STATUS_LOST) return CATEGORY_LOST;
      return CATEGORY_FUNCTION + fn;
  }
}
