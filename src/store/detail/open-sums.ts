import type { Store } from '../store.ts';
import { GrowingSums } from './growing-sums.ts';
import type { Grid } from './shares.ts';
import type { TrackGroups } from './track-groups.ts';

/** Sums of up to so many bins of rows are kept: some dozens of bytes each. */
const MOST_KEPT = 16_384;
/** Sums that have less than this part of the room that a window wants are soon outgrown: it gets others. */
const LEAST_ROOM = 0.5;
/** Sums that nobody has read for so many records are of a window that was closed: to catch up takes longer than to begin anew. */
const MOST_BEHIND = 8_192;

/** What windows want to have summed up. */
interface Wanted {
  readonly groups: TrackGroups;
  readonly functions: ReadonlySet<number> | null;
  /** With room for what comes. */
  readonly grid: Grid;
  /** Bins of it that anything can be in by now. */
  readonly filled: number;
}

/**
 * Sums that grow with the windows that are open. Pages that follow a cluster ask for the same rows at the same level, each from another
 * moment on: they share the sums of the one that began first.
 */
export class OpenSums {
  /** The last ones of each kind, for as long as a window has them. */
  readonly #open = new Map<string, WeakRef<GrowingSums>>();

  /** Null where they would take too much memory. */
  over(store: Store, wanted: Wanted): GrowingSums | null {
    const { functions, grid, groups } = wanted;
    if (groups.rows.length * grid.count > MOST_KEPT) return null;
    const kind = JSON.stringify([grid.level, functions === null ? null : [...functions], groups.asked]);
    const open = this.#open.get(kind)?.deref();
    if (open !== undefined && open.behind <= MOST_BEHIND && serves(open.grid, wanted)) return open;
    for (const [of, kept] of this.#open) if (kept.deref() === undefined) this.#open.delete(of);
    const sums = new GrowingSums(store, groups, functions, open === undefined ? grid : joined(open.grid, wanted));
    this.#open.set(kind, new WeakRef(sums));
    return sums;
  }
}

/** Whether sums over a grid have what is wanted, and room for more of it. */
function serves({ firstBin, count }: Grid, { filled, grid }: Wanted): boolean {
  const room = firstBin + count - (grid.firstBin + filled);
  return firstBin <= grid.firstBin && room >= LEAST_ROOM * (grid.count - filled);
}

/** A grid that serves those, too, who had the last one and began a little earlier. */
function joined({ firstBin }: Grid, { grid, groups }: Wanted): Grid {
  const earlier = Math.max(0, grid.firstBin - firstBin);
  const count = grid.count + earlier;
  return earlier <= grid.count / 2 && groups.rows.length * count <= MOST_KEPT
    ? { ...grid, firstBin: grid.firstBin - earlier, count }
    : grid;
}
