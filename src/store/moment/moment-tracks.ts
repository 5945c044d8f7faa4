import type { WorkerInfo } from '../../model/source-event.ts';
import type { StringIndex } from '../../model/units.ts';
import type { Place, Track, Tracks } from '../detail/tracks.ts';

/** The rows of another store, as they were at some moment: the same numbers, other workers on them. */
export class MomentTracks {
  readonly list: Track[] = [];
  readonly #all: Pick<Tracks, 'list'>;
  readonly #byName = new Map<string, Place>();
  readonly #byWorker = new Map<StringIndex, Place>();

  constructor(all: Pick<Tracks, 'list'>) {
    this.#all = all;
  }

  /** Rows that the other store has got since. */
  sync(stamp: number): void {
    const { list } = this.#all;
    for (let track = this.list.length; track < list.length; track++) {
      const { slot, place: now } = list[track]!;
      const place = this.#place(now.name, now);
      const row: Track = { track, slot, place, stamp };
      this.list.push(row);
      place.tracks[slot] = row;
      // One that was never announced and ran something.
      if (!this.#byWorker.has(now.worker)) this.#byWorker.set(now.worker, place);
    }
  }

  addWorker({ worker, address, name, host, nthreads }: WorkerInfo, stamp: number): void {
    const place = this.#place(name || address, { worker, address, host });
    Object.assign(place, { worker, address, host, nthreads, alive: true });
    this.#byWorker.set(worker, place);
    touch(place, stamp);
  }

  removeWorker(worker: StringIndex, stamp: number): void {
    const place = this.#byWorker.get(worker);
    if (place === undefined || place.worker !== worker) return;
    place.alive = false;
    touch(place, stamp);
  }

  /** Where a worker lives, or lived. */
  placeOf(worker: StringIndex): Place | undefined {
    return this.#byWorker.get(worker);
  }

  #place(name: string, { worker, address, host }: Pick<Place, 'worker' | 'address' | 'host'>): Place {
    let place = this.#byName.get(name);
    if (place === undefined) {
      place = { worker, address, name, host, alive: false, nthreads: 0, tracks: [], threads: [] };
      this.#byName.set(name, place);
    }
    return place;
  }
}

function touch(place: Place, stamp: number): void {
  for (const track of place.tracks) if (track !== undefined) track.stamp = stamp;
}
