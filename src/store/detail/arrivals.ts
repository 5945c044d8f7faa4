import type { RecordIndex } from '../../model/units.ts';
import { FoundSlices } from './found-slices.ts';
import type { Slices } from './slices.ts';

/** So many records are gone through at once: what is kept of them has a bound. */
const MOST = 4_096;

/** What arrivals need of the records. */
interface Arrived {
  readonly length: number;
  readonly track: { at(record: RecordIndex): number };
  readonly fn: { at(record: RecordIndex): number };
  readonly start: { at(record: RecordIndex): number };
  readonly stop: { at(record: RecordIndex): number };
}

/** Slices of the records that came last. The windows of all viewers want the same ones at about the same time: they are looked up once. */
export class Arrivals {
  readonly #records: Arrived;
  readonly #slices: Slices;
  #first: RecordIndex = 0;
  #end: RecordIndex = 0;
  #found = new FoundSlices();

  constructor(records: Arrived, slices: Slices) {
    this.#records = records;
    this.#slices = slices;
  }

  /** Those of record `first` and the ones after it, part by part; each is valid until the next is asked for. */
  *since(first: RecordIndex): Generator<FoundSlices> {
    const { length } = this.#records;
    for (let at = first; at < length; at += MOST) yield this.#part(at, Math.min(length, at + MOST));
  }

  #part(first: RecordIndex, end: RecordIndex): FoundSlices {
    if (first === this.#first && end === this.#end) return this.#found;
    const { fn, start, stop, track } = this.#records;
    const found = new FoundSlices(end - first);
    for (let record = first; record < end; record++) {
      const of = fn.at(record);
      this.#slices.visit(track.at(record), start.at(record), stop.at(record) + 1, (slice) => {
        if (slice.record === record) found.add(slice, of);
        return;
      });
    }
    this.#first = first;
    this.#end = end;
    this.#found = found;
    return found;
  }
}
