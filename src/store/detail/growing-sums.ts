import type { Micros, RecordIndex } from '../../model/units.ts';
import type { Store } from '../store.ts';
import { type GroupQuestion, sumUpTracks } from './group-answer.ts';
import type { Grid, ShareSink } from './shares.ts';
import { GroupSum, type TrackGroups } from './track-groups.ts';

/** Sums of up to so many bins of rows are kept: some dozens of bytes each, for every viewer. */
const MOST_KEPT = 16_384;

interface Growing {
  readonly sum: GroupSum;
  /** By track: the record from which on its slices are not in the sum yet. Null: it is the same for all. */
  since: Map<number, RecordIndex> | null;
}

/**
 * Sums of groups that are kept while their window is open: what comes is added to them, where otherwise all tracks of the group would be gone
 * through each time. As exact as what `sumUpTracks` says of the same moment.
 */
export class GrowingSums {
  readonly #store: Store;
  readonly #groups: TrackGroups;
  readonly #functions: ReadonlySet<number> | null;
  readonly #grid: Grid;
  readonly #rows = new Map<number, Growing>();
  /** The first record that was not looked at. */
  #seen: RecordIndex;

  /** Null where they would take too much memory. */
  static over(
    store: Store,
    groups: TrackGroups,
    functions: ReadonlySet<number> | null,
    grid: Grid,
  ): GrowingSums | null {
    return groups.rows.length * grid.count > MOST_KEPT ? null : new GrowingSums(store, groups, functions, grid);
  }

  private constructor(store: Store, groups: TrackGroups, functions: ReadonlySet<number> | null, grid: Grid) {
    this.#store = store;
    this.#groups = groups;
    this.#functions = functions;
    this.#grid = grid;
    this.#seen = store.records.length;
  }

  /** Adds up the tracks of a row. Each is of one moment, whatever comes while others are gone through. */
  *build(row: number, spent: GroupQuestion['spent']): Generator<undefined> {
    const { records, sums, tracks } = this.#store;
    const { count, level } = this.#grid;
    const sum = new GroupSum(0, count, 2 ** level);
    const since = new Map<number, RecordIndex>();
    let gone = 0;
    const question: GroupQuestion = {
      store: this.#store,
      grid: this.#grid,
      functions: this.#functions,
      spent: (rows) => {
        gone += rows;
        return false;
      },
    };
    const holds = (track: number): boolean => this.#groups.holds(row, track);
    for (const of of this.#groups.tracksOf(row, tracks.list.length)) {
      if (since.has(of)) continue;
      // Those of a host are answered for together.
      const together = (sums.at(of, level)?.tracks ?? [of]).filter((track) => !since.has(track) && holds(track));
      gone = 0;
      for (const _ of sumUpTracks(question, together, holds, 0, sum));
      for (const track of together) since.set(track, records.length);
      if (spent(gone)) yield;
    }
    this.#rows.set(row, { sum, since });
  }

  /** What a row has from a bin on, with all that has come. */
  read(row: number, first: number, sink: ShareSink): void {
    this.#catchUp();
    this.#rows.get(row)?.sum.read(sink, first);
  }

  #catchUp(): void {
    const { arrivals, records } = this.#store;
    if (this.#seen === records.length) return;
    for (const came of arrivals.since(this.#seen)) {
      for (let i = 0; i < came.length; i++) {
        if (this.#functions?.has(came.fn.at(i)) === false) continue;
        const track = came.track.at(i);
        for (const row of this.#groups.of(track)) {
          const growing = this.#rows.get(row);
          if (growing === undefined || came.record.at(i) < (growing.since?.get(track) ?? 0)) continue;
          this.#add(growing.sum, came.start.at(i), came.stop.at(i), came.category.at(i));
        }
      }
    }
    this.#seen = records.length;
    for (const growing of this.#rows.values()) growing.since = null;
  }

  #add(sum: GroupSum, start: Micros, stop: Micros, category: number): void {
    const { count, firstBin, level } = this.#grid;
    const width = 2 ** level;
    const from = Math.max(0, start - firstBin * width);
    const until = Math.min(count * width, stop - firstBin * width);
    if (until > from) sum.addSpan(from, until, category);
  }
}
