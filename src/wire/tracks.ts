import { TaskglassError } from '../base/errors.ts';
import type { TrackView } from '../model/batch.ts';

/** Tracks as they cross the wire: a cluster has thousands, and each repeats its worker's names. */
export interface PackedTracks {
  /** Index, address, name and host of each worker. */
  readonly workers: readonly (readonly [worker: number, address: string, name: string, host: string])[];
  readonly track: Uint32Array;
  /** Position in `workers`. */
  readonly of: Uint32Array;
  readonly slot: Uint32Array;
  readonly alive: Uint8Array;
}

export function packTracks(tracks: readonly TrackView[]): PackedTracks {
  const workers: [number, string, string, string][] = [];
  const places = new Map<string, number>();
  const of = Uint32Array.from(tracks, ({ worker, address, name, host }) => {
    // A worker that came back under its name has another index, host or address.
    const key = JSON.stringify([worker, address, name, host]);
    let place = places.get(key);
    if (place === undefined) {
      place = workers.push([worker, address, name, host]) - 1;
      places.set(key, place);
    }
    return place;
  });
  return {
    workers,
    track: Uint32Array.from(tracks, ({ track }) => track),
    of,
    slot: Uint32Array.from(tracks, ({ slot }) => slot),
    alive: Uint8Array.from(tracks, ({ alive }) => (alive ? 1 : 0)),
  };
}

/** Throws WIRE_MALFORMED for what {@link packTracks} did not make. */
export function unpackTracks(packed: unknown): TrackView[] {
  const { workers, track, of, slot, alive } = packed as Partial<PackedTracks>;
  const whole =
    Array.isArray(workers) &&
    track instanceof Uint32Array &&
    of instanceof Uint32Array &&
    slot instanceof Uint32Array &&
    alive instanceof Uint8Array &&
    [of, slot, alive].every(({ length }) => length === track.length);
  if (!whole) throw new TaskglassError('WIRE_MALFORMED', 'its tracks are not whole');
  return Array.from(track, (number, i) => {
    const place: unknown = workers[of[i]!];
    if (!Array.isArray(place)) throw new TaskglassError('WIRE_MALFORMED', 'a track has no worker');
    const [worker, address, name, host] = place as [number, string, string, string];
    return { track: number, worker, address, name, host, slot: slot[i]!, alive: alive[i] === 1 };
  });
}
