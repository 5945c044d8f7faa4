import type { WindowBatch, WindowQuery } from '../../model/batch.ts';
import { WindowCursor } from '../../store/queries/cursors.ts';
import type { MatchFilter } from '../../store/queries/record-matches.ts';
import { keyPattern } from './answers.ts';
import type { ReportStore } from './history.ts';

/**
 * What is in a window, as a server would answer it. Where something of it is left out of the records, it is answered in shares on the
 * grid of the sums or on a coarser one: exact, but not finer.
 */
export function windowAnswer(store: ReportStore, query: WindowQuery): WindowBatch {
  const matching = matchingOf(query);
  const { leftOut } = store.slices;
  const { since, until } = query;
  if (leftOut === null || since >= leftOut.until || (until !== null && until <= leftOut.since)) {
    return new WindowCursor(store, query, undefined, matching).next()!;
  }
  const coarse = { ...query, level: Math.max(query.level, leftOut.level), maxSlices: 0 };
  return { ...new WindowCursor(store, coarse, undefined, matching).next()!, query };
}

/** What is no pattern is in no key. */
function matchingOf({ filter }: WindowQuery): MatchFilter | undefined {
  if (filter?.regex !== true) return filter;
  try {
    return { ...filter, text: keyPattern(filter.text ?? '') };
  } catch {
    return { text: () => false };
  }
}
