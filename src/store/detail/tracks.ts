import type { StringIndex } from '../../model/units.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';

/** A row of the stream. */
export interface Track {
  readonly track: number;
  readonly slot: number;
  /** The place: a worker's name, or its address where it has none. */
  readonly place: Place;
  /** Version of the store at which this changed last. */
  stamp: number;
}

/** Where a worker lives. One that restarts under the same name comes back to its tracks. */
export interface Place {
  worker: StringIndex;
  address: string;
  name: string;
  host: string;
  alive: boolean;
  /** Threads that it says it has; rows beyond them come and go with what is drawn on them. */
  nthreads: number;
  /** By slot. */
  readonly tracks: Track[];
  /** Slot of each thread that has shown itself. */
  readonly threads: Map<number, number>;
}

/** A worker that says it has more threads than this gets rows for the others when they have done something. */
const MOST_IDLE_ROWS = 1_024;

/** Which (worker, thread) is drawn on which row. Slots are handed out lowest free first. */
export class Tracks {
  readonly list: Track[] = [];
  readonly #byName = new Map<string, Place>();
  readonly #byWorker = new Map<StringIndex, Place>();
  /** Of each worker that ever was, its threads by slot. */
  readonly #identities = new Map<StringIndex, number[]>();

  /** A worker came. Its threads get rows at once, so that idle ones are seen. */
  addWorker(
    worker: StringIndex,
    info: { address: string; name: string; host: string; nthreads: number },
    stamp: number,
  ): void {
    const place = this.#placeNamed(info.name || info.address, worker, info.address, info.host);
    // One that is only described anew keeps its threads where they are.
    if (place.worker !== worker || !place.alive) place.threads.clear();
    place.worker = worker;
    place.address = info.address;
    place.host = info.host;
    place.alive = true;
    place.nthreads = info.nthreads;
    this.#byWorker.set(worker, place);
    const rows = Math.min(info.nthreads, MOST_IDLE_ROWS);
    for (let slot = 0; slot < rows; slot++) this.#trackAt(place, slot, stamp);
    touch(place, stamp);
  }

  save(into: StateWriter): void {
    const places = [...this.#byName.values()];
    const saved = places.map(({ tracks: _, threads, ...place }) => ({ ...place, threads: [...threads] }));
    into.text(() => saved);
    const numbers = new Map(places.map((place, i) => [place, i]));
    into.words(this.list.map(({ place }) => numbers.get(place)!));
    const workers = [...this.#byWorker].map(([worker, place]) => [worker, numbers.get(place)!] as const);
    into.text(() => workers);
    const identities = [...this.#identities];
    into.text(() => identities);
  }

  load(from: StateReader, stamp: number): void {
    const places = from.text<(Omit<Place, 'tracks' | 'threads'> & { threads: [number, number][] })[]>();
    const made = places.map(({ threads, ...place }): Place => ({ ...place, tracks: [], threads: new Map(threads) }));
    for (const place of made) this.#byName.set(place.name, place);
    // Rows of a place were made in the order of their slots.
    for (const number of from.words()) {
      const place = made[number]!;
      this.#trackAt(place, place.tracks.length, stamp);
    }
    for (const [worker, number] of from.text<[StringIndex, number][]>()) this.#byWorker.set(worker, made[number]!);
    for (const [worker, threads] of from.text<[StringIndex, (number | null)[]][]>())
      this.#identities.set(
        worker,
        threads.map((thread) => thread ?? 0),
      );
  }

  removeWorker(worker: StringIndex, stamp: number): void {
    const place = this.#byWorker.get(worker);
    // Its name may have been taken over by its successor already.
    if (place === undefined || place.worker !== worker) return;
    place.alive = false;
    touch(place, stamp);
  }

  placeOf(worker: StringIndex): Place | undefined {
    return this.#byWorker.get(worker);
  }

  /** The row of a thread. A worker that was never announced (tasks from before we attached) gets its place here. */
  ofThread(worker: StringIndex, address: string, thread: number, stamp: number): Track {
    const place = this.#byWorker.get(worker) ?? this.#unannounced(worker, address);
    let slot = place.threads.get(thread);
    if (slot === undefined) {
      const taken = new Set(place.threads.values());
      slot = 0;
      while (taken.has(slot)) slot++;
      place.threads.set(thread, slot);
      const identities = this.#identities.get(worker) ?? [];
      identities[slot] = thread;
      this.#identities.set(worker, identities);
    }
    return this.#trackAt(place, slot, stamp);
  }

  /** The identity of the thread that a worker has in a slot, the last one where it had several; 0 where none showed itself. */
  threadOf(worker: StringIndex, slot: number): number {
    return this.#identities.get(worker)?.[slot] ?? 0;
  }

  /** The row of a slot, made when it is not there yet. */
  ofSlot(worker: StringIndex, address: string, slot: number, stamp: number): Track {
    return this.#trackAt(this.#byWorker.get(worker) ?? this.#unannounced(worker, address), slot, stamp);
  }

  #unannounced(worker: StringIndex, address: string): Place {
    const place = this.#placeNamed(address, worker, address, hostOf(address));
    this.#byWorker.set(worker, place);
    return place;
  }

  #placeNamed(name: string, worker: StringIndex, address: string, host: string): Place {
    let place = this.#byName.get(name);
    if (place === undefined) {
      place = { worker, address, name, host, alive: false, nthreads: 0, tracks: [], threads: new Map() };
      this.#byName.set(name, place);
    }
    return place;
  }

  #trackAt(place: Place, slot: number, stamp: number): Track {
    for (let next = place.tracks.length; next <= slot; next++) {
      const track: Track = { track: this.list.length, slot: next, place, stamp };
      this.list.push(track);
      place.tracks.push(track);
    }
    return place.tracks[slot]!;
  }
}

function touch(place: Place, stamp: number): void {
  for (const track of place.tracks) track.stamp = stamp;
}

/** `tcp://10.0.0.1:4711` → `10.0.0.1`. */
function hostOf(address: string): string {
  const authority = address.slice(address.indexOf('://') + (address.includes('://') ? 3 : 1));
  return authority.replace(/:\d+$/, '');
}
