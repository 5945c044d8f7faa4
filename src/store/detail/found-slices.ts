import { Growable } from '../../base/growable.ts';
import type { StringIndex } from '../../model/units.ts';
import type { Slice } from './slices.ts';

/** Slices in columns, as they are sent: one that is added costs no object. */
export class FoundSlices {
  readonly record: Growable<Uint32Array>;
  readonly track: Growable<Uint32Array>;
  readonly category: Growable<Uint32Array>;
  readonly fn: Growable<Uint32Array>;
  /** Whole microseconds since epoch. */
  readonly start: Growable<Float64Array>;
  readonly stop: Growable<Float64Array>;

  constructor(capacity = 64) {
    this.record = new Growable(Uint32Array, capacity);
    this.track = new Growable(Uint32Array, capacity);
    this.category = new Growable(Uint32Array, capacity);
    this.fn = new Growable(Uint32Array, capacity);
    this.start = new Growable(Float64Array, capacity);
    this.stop = new Growable(Float64Array, capacity);
  }

  get length(): number {
    return this.record.length;
  }

  /** `fn`: function of its record; `category`: where it is shown as another one. */
  add({ record, track, category: own, start, stop }: Slice, fn: StringIndex, category = own): void {
    this.record.push(record);
    this.track.push(track);
    this.category.push(category);
    this.fn.push(fn);
    this.start.push(start);
    this.stop.push(stop);
  }

  /** One of others, as another category. */
  addFrom(others: FoundSlices, at: number, category: number): void {
    this.record.push(others.record.at(at));
    this.track.push(others.track.at(at));
    this.category.push(category);
    this.fn.push(others.fn.at(at));
    this.start.push(others.start.at(at));
    this.stop.push(others.stop.at(at));
  }
}
