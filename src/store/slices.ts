import { lowerBound, upperBound } from '../base/bisect.ts';
import { Growable } from '../base/growable.ts';
import type { Micros } from '../model/units.ts';

/** One track's slices in the order of their starts. */
interface TrackOrder {
  /** Slice ids, by start. */
  readonly ids: Growable<Uint32Array>;
  /** Starts in that order. */
  readonly starts: Growable<Float64Array>;
  /** Greatest stop among the slices up to here: rises, so a window's first slice can be bisected. */
  readonly maxStops: Growable<Float64Array>;
}

/** Every startstop that was ever seen, one row each in the order of arrival, and per track in the order of time. */
export class Slices {
  readonly start = new Growable(Float64Array);
  readonly stop = new Growable(Float64Array);
  readonly track = new Growable(Uint32Array);
  readonly record = new Growable(Uint32Array);
  readonly category = new Growable(Uint32Array);
  readonly action = new Growable(Uint8Array);
  /** Worker that a transfer came from; 0 = unknown. */
  readonly origin = new Growable(Uint32Array);
  readonly #orders: TrackOrder[] = [];

  get length(): number {
    return this.start.length;
  }

  /** Appends a slice of at least 1 µs. `start` and `stop` are whole microseconds. */
  push(
    track: number,
    record: number,
    category: number,
    action: number,
    start: Micros,
    stop: Micros,
    origin: number,
  ): void {
    const id = this.start.length;
    this.start.push(start);
    this.stop.push(stop);
    this.track.push(track);
    this.record.push(record);
    this.category.push(category);
    this.action.push(action);
    this.origin.push(origin);
    this.#insert(this.#orderOf(track), id, start, stop);
  }

  /** The time at which the track's last slice ends; -Infinity for an empty track. */
  lastStop(track: number): Micros {
    const order = this.#orders[track];
    if (order === undefined || order.ids.length === 0) return Number.NEGATIVE_INFINITY;
    return order.maxStops.at(order.ids.length - 1);
  }

  /** First start and last stop over all tracks, or null when there is nothing. */
  extent(): { readonly since: Micros; readonly until: Micros } | null {
    let since = Number.POSITIVE_INFINITY;
    let until = Number.NEGATIVE_INFINITY;
    for (const order of this.#orders) {
      if (order === undefined || order.ids.length === 0) continue;
      since = Math.min(since, order.starts.at(0));
      until = Math.max(until, order.maxStops.at(order.ids.length - 1));
    }
    return since <= until ? { since, until } : null;
  }

  /** Calls `visit` for each slice of a track that overlaps [since, until), by start, until it returns false. */
  visit(track: number, since: Micros, until: Micros, visit: (slice: number) => boolean | undefined): void {
    const order = this.#orders[track];
    if (order === undefined) return;
    const { ids, starts, maxStops } = order;
    const from = upperBound(maxStops.raw, since, 0, ids.length);
    const to = lowerBound(starts.raw, until, from, ids.length);
    const rawIds = ids.raw;
    const stops = this.stop.raw;
    for (let i = from; i < to; i++) {
      const id = rawIds[i]!;
      if (stops[id]! > since && visit(id) === false) return;
    }
  }

  #orderOf(track: number): TrackOrder {
    let order = this.#orders[track];
    if (order === undefined) {
      order = {
        ids: new Growable(Uint32Array),
        starts: new Growable(Float64Array),
        maxStops: new Growable(Float64Array),
      };
      this.#orders[track] = order;
    }
    return order;
  }

  /** Slices arrive nearly in order, so what has to move is short. */
  #insert(order: TrackOrder, id: number, start: Micros, stop: Micros): void {
    const { ids, starts, maxStops } = order;
    const last = ids.length - 1;
    const at = last < 0 || starts.at(last) <= start ? ids.length : upperBound(starts.raw, start, 0, ids.length);
    ids.insert(at, id);
    starts.insert(at, start);
    let max = Math.max(at === 0 ? Number.NEGATIVE_INFINITY : maxStops.at(at - 1), stop);
    maxStops.insert(at, max);
    for (let i = at + 1; i < maxStops.length; i++) {
      if (maxStops.at(i) >= max) break;
      max = Math.max(max, this.stop.at(ids.at(i)));
      maxStops.set(i, max);
    }
  }
}
