import type { StringIndex } from '../../model/units.ts';
import { Pager } from '../paging/pager.ts';
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
  tracks: Track[];
  /** By slot, the threads that have shown themselves since it came. */
  threads: number[];
}

/** A worker that says it has more threads than this gets rows for the others when they have done something. */
const MOST_IDLE_ROWS = 1_024;
/** What a row takes, and what a place does with its two names, in bytes. */
const BYTES_OF_TRACK = 80;
const BYTES_OF_PLACE = 400;

/**
 * Which (worker, thread) is drawn on which row. Slots are handed out lowest free first. Rows stay when their worker has gone: what
 * they take counts as memory of the history.
 */
export class Tracks {
  readonly list: Track[] = [];
  readonly #pager: Pager;
  readonly #byName = new Map<string, Place>();
  readonly #byWorker: (Place | undefined)[] = [];
  /** By slot, the threads of each worker that was, and is not in its place any more as it was. */
  readonly #identities = new Map<StringIndex, number[]>();
  /** Each host once. */
  readonly #hosts = new Map<string, string>();

  constructor(pager = new Pager()) {
    this.#pager = pager;
  }

  /** A worker came. Its threads get rows at once, so that idle ones are seen. */
  addWorker(
    worker: StringIndex,
    info: { address: string; name: string; host: string; nthreads: number },
    stamp: number,
  ): void {
    const place = this.#placeNamed(info.name || info.address, worker, info.address, info.host);
    const before = this.#byWorker[worker];
    if (before !== undefined && before !== place && before.worker === worker) this.#remember(before);
    // One that is only described anew keeps its threads where they are.
    if (place.worker !== worker || !place.alive) {
      if (this.#byWorker[place.worker] === place) this.#remember(place);
      place.threads = [];
    }
    place.worker = worker;
    place.address = place.name === info.address ? place.name : info.address;
    place.host = this.#hostNamed(info.host);
    place.alive = true;
    place.nthreads = info.nthreads;
    this.#byWorker[worker] = place;
    const rows = Math.min(info.nthreads, MOST_IDLE_ROWS);
    for (let slot = 0; slot < rows; slot++) this.#trackAt(place, slot, stamp);
    touch(place, stamp);
  }

  save(into: StateWriter): void {
    const places = [...this.#byName.values()];
    const saved = places.map(({ tracks: _, ...place }) => ({ ...place, threads: [...place.threads] }));
    into.text(() => saved);
    const numbers = new Map(places.map((place, i) => [place, i]));
    into.words(this.list.map(({ place }) => numbers.get(place)!));
    const workers: [StringIndex, number][] = [];
    this.#byWorker.forEach((place, worker) => {
      if (place !== undefined) workers.push([worker, numbers.get(place)!]);
    });
    into.text(() => workers);
    const identities = [...this.#identities].map(([worker, threads]) => [worker, [...threads]] as const);
    into.text(() => identities);
  }

  load(from: StateReader, stamp: number): void {
    const places = from.text<Omit<Place, 'tracks'>[]>();
    const made = places.map((place) => this.#add(place));
    // Rows of a place were made in the order of their slots.
    for (const number of from.words()) {
      const place = made[number]!;
      this.#trackAt(place, place.tracks.length, stamp);
    }
    for (const [worker, number] of from.text<[StringIndex, number][]>()) this.#byWorker[worker] = made[number]!;
    for (const [worker, threads] of from.text<[StringIndex, number[]][]>()) this.#identities.set(worker, threads);
  }

  removeWorker(worker: StringIndex, stamp: number): void {
    const place = this.#byWorker[worker];
    // Its name may have been taken over by its successor already.
    if (place === undefined || place.worker !== worker) return;
    place.alive = false;
    // As long as they have to be.
    place.tracks = place.tracks.slice();
    place.threads = place.threads.slice();
    touch(place, stamp);
  }

  placeOf(worker: StringIndex): Place | undefined {
    return this.#byWorker[worker];
  }

  /** The row of a thread. A worker that was never announced (tasks from before we attached) gets its place here. */
  ofThread(worker: StringIndex, address: string, thread: number, stamp: number): Track {
    const place = this.#byWorker[worker] ?? this.#unannounced(worker, address);
    const { threads } = place;
    const known = Number.isNaN(thread) ? threads.findIndex(Number.isNaN) : threads.indexOf(thread);
    if (known >= 0) return this.#trackAt(place, known, stamp);
    const slot = threads.length;
    threads.push(thread);
    // Its successor has its place already.
    if (place.worker !== worker) {
      const before = this.#identities.get(worker) ?? [];
      this.#identities.set(worker, [...Array.from({ length: slot }, (_, i) => before[i] ?? 0), thread]);
    }
    return this.#trackAt(place, slot, stamp);
  }

  /** The identity of the thread that a worker has in a slot, the last one where it had several; 0 where none showed itself. */
  threadOf(worker: StringIndex, slot: number): number {
    const place = this.#byWorker[worker];
    const thread = place?.worker === worker ? place.threads[slot] : undefined;
    return thread ?? this.#identities.get(worker)?.[slot] ?? 0;
  }

  /** The row of a slot, made when it is not there yet. */
  ofSlot(worker: StringIndex, address: string, slot: number, stamp: number): Track {
    return this.#trackAt(this.#byWorker[worker] ?? this.#unannounced(worker, address), slot, stamp);
  }

  /** A worker leaves its place as it was: its threads are known by themselves from now on. */
  #remember({ worker, threads }: Place): void {
    if (threads.length === 0) return;
    const before = this.#identities.get(worker) ?? [];
    this.#identities.set(worker, [...threads, ...before.slice(threads.length)]);
  }

  #unannounced(worker: StringIndex, address: string): Place {
    const place = this.#placeNamed(address, worker, address, hostOf(address));
    this.#byWorker[worker] = place;
    return place;
  }

  #placeNamed(name: string, worker: StringIndex, address: string, host: string): Place {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    return this.#add({ worker, address, name, host, alive: false, nthreads: 0, threads: [] });
  }

  #add({ worker, address, name, host, alive, nthreads, threads }: Omit<Place, 'tracks'>): Place {
    const place = { worker, address, name, host: this.#hostNamed(host), alive, nthreads, tracks: [], threads };
    this.#byName.set(name, place);
    this.#pager.charge(BYTES_OF_PLACE);
    return place;
  }

  #hostNamed(host: string): string {
    const known = this.#hosts.get(host);
    if (known === undefined) this.#hosts.set(host, host);
    return known ?? host;
  }

  #trackAt(place: Place, slot: number, stamp: number): Track {
    for (let next = place.tracks.length; next <= slot; next++) {
      const track: Track = { track: this.list.length, slot: next, place, stamp };
      this.list.push(track);
      place.tracks.push(track);
      this.#pager.charge(BYTES_OF_TRACK);
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
