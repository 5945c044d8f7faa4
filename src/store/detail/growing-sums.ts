import type { Micros, RecordIndex } from '../../model/units.ts';
import type { Store } from '../store.ts';
import { type GroupQuestion, sumUpTracks } from './group-answer.ts';
import type { Grid, ShareSink } from './shares.ts';
import { GroupSum, type TrackGroups } from './track-groups.ts';

interface Growing {
  readonly sum: GroupSum;
  /** By track: the record from which on its slices are not in the sum yet. Null: it is the same for all. */
  since: Map<number, RecordIndex> | null;
}

/**
 * Sums of groups that are kept while windows of them are open: what comes is added to them, where otherwise all tracks of the group would be gone
 * through each time. As exact as what `sumUpTracks` says of the same moment.
 */
export class GrowingSums {
  readonly #store: Store;
  readonly #groups: TrackGroups;
  readonly #functions: ReadonlySet<number> | null;
  readonly #grid: Grid;
  readonly #rows = new Map<number, Growing>();
  readonly #building: Generator<number, undefined>;
  /** The first record that was not looked at. */
  #seen: RecordIndex;

  constructor(store: Store, groups: TrackGroups, functions: ReadonlySet<number> | null, grid: Grid) {
    this.#store = store;
    this.#groups = groups;
    this.#functions = functions;
    this.#grid = grid;
    this.#seen = store.records.length;
    this.#building = this.#build();
  }

  get grid(): Grid {
    return this.#grid;
  }

  /** Records that came and are not in them yet: all are gone through at once when they are read. */
  get behind(): number {
    return this.#store.records.length - this.#seen;
  }

  /** Adds up all rows before they are read. Of several windows that wait for them, each does a part. */
  *built(spent: GroupQuestion['spent']): Generator<undefined> {
    for (let part = this.#building.next(); part.done !== true; part = this.#building.next()) {
      if (spent(part.value)) yield;
    }
  }

  /** Adds up all rows, track by track, and says what each cost. */
  *#build(): Generator<number, undefined> {
    for (const row of this.#groups.rows) yield* this.#buildRow(row);
  }

  /** Each track is of one moment, whatever comes while others are gone through. */
  *#buildRow(row: number): Generator<number> {
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
      yield gone;
    }
    this.#rows.set(row, { sum, since });
  }

  /** What a row has in the bins of a grid of the same level, from one of them on, with all that has come. */
  read(row: number, { firstBin, count }: Grid, first: number, sink: ShareSink): void {
    this.#catchUp();
    const before = firstBin - this.#grid.firstBin;
    const shifted: ShareSink = (bin, category, micros) => {
      if (bin - before < count) sink(bin - before, category, micros);
    };
    this.#rows.get(row)?.sum.read(shifted, before + first);
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
