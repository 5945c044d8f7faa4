import { Growable } from '../../base/growable.ts';
import type { Micros, RecordIndex, StringIndex } from '../../model/units.ts';
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
    this.push(record, track, category, fn, start, stop);
  }

  /** One of others, as another category. */
  addFrom({ record, track, fn, start, stop }: FoundSlices, at: number, category: number): void {
    this.push(record.at(at), track.at(at), category, fn.at(at), start.at(at), stop.at(at));
  }

  push(record: RecordIndex, track: number, category: number, fn: StringIndex, start: Micros, stop: Micros): void {
    this.record.push(record);
    this.track.push(track);
    this.category.push(category);
    this.fn.push(fn);
    this.start.push(start);
    this.stop.push(stop);
  }
}
