import {
  CATEGORY_DESERIALIZE,
  CATEGORY_DISK,
  CATEGORY_ERRED,
  CATEGORY_FUNCTION,
  CATEGORY_LOST,
  CATEGORY_TRANSFER,
} from '../../model/task-state.ts';
import type { Micros } from '../../model/units.ts';
import type { Store } from '../store.ts';

/** What the rows of a worker did in a range, as parts of the range on those rows. */
export interface WorkerShares {
  readonly name: string;
  readonly address: string;
  readonly tracks: number;
  readonly compute: number;
  readonly erred: number;
  readonly lost: number;
  readonly transfer: number;
  readonly disk: number;
  readonly deserialize: number;
  readonly idle: number;
}

/** Of what is added up: functions are one. */
export const CATEGORIES = CATEGORY_FUNCTION + 1;

/** What rows did, added up by worker. */
export class WorkerSums {
  readonly #store: Store;
  readonly #wide: Micros;
  readonly #sums = new Map<number, { track: number; tracks: number; busy: Micros; readonly activity: Float64Array }>();
  #before = new Float64Array();
  #busy: Micros = 0;

  /** `tracks`: the rows that are looked at, each in one part or in several. */
  constructor(store: Store, wide: Micros, tracks: readonly number[]) {
    this.#store = store;
    this.#wide = wide;
    for (const track of tracks) {
      const { worker } = store.tracks.list[track]!.place;
      const sums = this.#sums.get(worker);
      if (sums === undefined)
        this.#sums.set(worker, { track, tracks: 1, busy: 0, activity: new Float64Array(CATEGORIES) });
      else sums.tracks++;
    }
  }

  /** A part of a row begins: so much was done in others. */
  begin(activity: Float64Array, busy: Micros): void {
    this.#before = activity.slice();
    this.#busy = busy;
  }

  end(track: number, activity: Float64Array, busy: Micros): void {
    const { worker } = this.#store.tracks.list[track]!.place;
    const sums = this.#sums.get(worker)!;
    sums.busy += busy - this.#busy;
    for (let i = 0; i < activity.length; i++) sums.activity[i]! += activity[i]! - this.#before[i]!;
  }

  list(limit: number): WorkerShares[] {
    const shares = [...this.#sums.values()].map(({ track, tracks, busy, activity }) => {
      const { name, address } = this.#store.tracks.list[track]!.place;
      const share = (category: number): number => activity[category]! / (this.#wide * tracks);
      return {
        name,
        address,
        tracks,
        compute: share(CATEGORY_FUNCTION),
        erred: share(CATEGORY_ERRED),
        lost: share(CATEGORY_LOST),
        transfer: share(CATEGORY_TRANSFER),
        disk: share(CATEGORY_DISK),
        deserialize: share(CATEGORY_DESERIALIZE),
        idle: 1 - busy / (this.#wide * tracks),
      };
    });
    return shares.sort((a, b) => a.idle - b.idle || (a.address < b.address ? -1 : 1)).slice(0, limit);
  }
}
