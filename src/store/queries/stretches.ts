import type { Micros } from '../../model/units.ts';
import type { Store } from '../store.ts';

/** What a record and its slices take on their pages, nearly. */
const BYTES_OF_RECORD = 32;
/** Records of a stretch, at least. */
const LEAST = 256;
/** Part of the memory that one stretch may fill: less than a scan may. */
const SHARE = 1 / 8;

/**
 * Bounds of [since, until) and between them, ascending: what lies between two of them is on few enough pages that they are in memory
 * together. Slices of many rows share pages, those of one time: gone through row by row over all of history, each page would be read
 * once a row.
 */
export function stretches({ pager, records }: Store, since: Micros, until: Micros): Micros[] {
  const step = Math.max(LEAST, Math.floor((pager.memory.limit * SHARE) / BYTES_OF_RECORD));
  const bounds = [since];
  // Records come nearly in the order in which they stop.
  for (let record = Math.max(records.dropped, step); record < records.length; record += step) {
    const stop = records.stop.at(record);
    if (stop > bounds.at(-1)! && stop < until) bounds.push(stop);
  }
  return [...bounds, until];
}
