import { lowerBound } from '../../base/bisect.ts';
import type { TrackShares } from './window-data.ts';

/** From which bins the last changes on are kept; a picture is seldom so many behind. */
const CHANGES_KEPT = 16;
/** Of new memory so much stays free, or so many entries. */
const ROOM = 1.25;
const LEAST_ROOM = 64;

type BusyColumn = TrackShares['busy'];

/**
 * A row's shares that grow at their end, ten times a second: what stays keeps its place in memory, and only what is new is written.
 * (Columns of their own for each state cost a page more than all that is done with them.) So a state may be read until the next one is made,
 * and of older ones only `changedFrom` says in what they differ.
 */
export class GrowingShares {
  #bin: Uint16Array;
  #category: Uint16Array;
  #busy: BusyColumn;
  #length: number;
  /** Entries that there is memory of our own for. */
  #capacity = 0;
  readonly #changes: number[] = [];
  #step = 0;

  /** Begins with what is `known`, which may lie in memory of somebody else and is left alone. */
  constructor({ bin, category, busy, length }: Pick<TrackShares, 'bin' | 'category' | 'busy' | 'length'>) {
    this.#bin = bin;
    this.#category = category;
    this.#busy = busy;
    this.#length = length;
  }

  /** Takes away what there is from a bin on, and makes room for so many entries instead. */
  cut(from: number, room: number): void {
    this.#length = lowerBound(this.#bin, from, 0, this.#length);
    const length = this.#length + room;
    if (length > this.#capacity) this.#move(Math.ceil(length * ROOM) + LEAST_ROOM);
    this.#changes[this.#step++ % CHANGES_KEPT] = from;
  }

  /** Bins and categories come in their order. */
  push(bin: number, category: number, busy: number): void {
    const at = this.#length++;
    this.#bin[at] = bin;
    this.#category[at] = category;
    this.#busy[at] = busy;
  }

  /** Entries [from, to) of an answer. */
  append(columns: Pick<TrackShares, 'bin' | 'category' | 'busy'>, from: number, to: number): void {
    // Sums may have outgrown 32 bits since.
    if (columns.busy instanceof Float64Array && !(this.#busy instanceof Float64Array))
      this.#busy = Float64Array.from(this.#busy);
    this.#bin.set(columns.bin.subarray(from, to), this.#length);
    this.#category.set(columns.category.subarray(from, to), this.#length);
    this.#busy.set(columns.busy.subarray(from, to), this.#length);
    this.#length += to - from;
  }

  /** What there is now. */
  state(lanes: number): TrackShares {
    return {
      length: this.#length,
      bin: this.#bin.subarray(0, this.#length),
      category: this.#category.subarray(0, this.#length),
      busy: this.#busy.subarray(0, this.#length),
      lanes,
      growth: { of: this, step: this.#step },
    };
  }

  /** The first bin in which a state differs from the one that is now; 0 where that is not known any more. */
  changedFrom(step: number): number {
    if (this.#step - step > CHANGES_KEPT) return 0;
    let from = Number.POSITIVE_INFINITY;
    for (let at = step; at < this.#step; at++) from = Math.min(from, this.#changes[at % CHANGES_KEPT]!);
    return from;
  }

  #move(capacity: number): void {
    const bin = new Uint16Array(capacity);
    const category = new Uint16Array(capacity);
    const busy = this.#busy instanceof Float64Array ? new Float64Array(capacity) : new Uint32Array(capacity);
    bin.set(this.#bin.subarray(0, this.#length));
    category.set(this.#category.subarray(0, this.#length));
    busy.set(this.#busy.subarray(0, this.#length));
    this.#bin = bin;
    this.#category = category;
    this.#busy = busy;
    this.#capacity = capacity;
  }
}
