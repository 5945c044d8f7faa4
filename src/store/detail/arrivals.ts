import { lowerBound } from '../../base/bisect.ts';
import type { RecordIndex } from '../../model/units.ts';
import { FoundSlices } from './found-slices.ts';
import type { SliceRow, Slices } from './slices.ts';

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

/**
 * Slices of the records that came last. The windows of all viewers want the same ones at about the same time: they are gathered once, from
 * what was noted as it came; who asks for more than that has them looked up.
 */
export class Arrivals {
  readonly #records: Arrived;
  readonly #slices: Slices;
  #first: RecordIndex = 0;
  #end: RecordIndex = 0;
  #found = new FoundSlices();
  /** The last slices, those before them, and the record from which on all are in these two. */
  #young = new FoundSlices();
  #old = new FoundSlices();
  #noted: RecordIndex = Number.POSITIVE_INFINITY;

  constructor(records: Arrived, slices: Slices) {
    this.#records = records;
    this.#slices = slices;
  }

  /** A slice comes; those of a record one after the other, and of later records later. */
  note({ track, record, fn, start, stop }: SliceRow, category: number): void {
    const { length } = this.#young;
    if (length === 0) this.#noted = Math.min(this.#noted, record);
    else if (length >= MOST && this.#young.record.at(length - 1) !== record) {
      this.#old = this.#young;
      this.#young = new FoundSlices(MOST);
      this.#noted = this.#old.record.at(0);
    }
    this.#young.push(record, track, category, fn, start, stop);
  }

  /** Those of record `first` and the ones after it, part by part; each is valid until the next is asked for. */
  *since(first: RecordIndex): Generator<FoundSlices> {
    const { length } = this.#records;
    for (let at = first; at < length; at += MOST) yield this.#part(at, Math.min(length, at + MOST));
  }

  #part(first: RecordIndex, end: RecordIndex): FoundSlices {
    if (first === this.#first && end === this.#end) return this.#found;
    const found = new FoundSlices(end - first);
    if (first < this.#noted) this.#lookUp(first, end, found);
    else for (const noted of [this.#old, this.#young]) addRange(noted, first, end, found);
    this.#first = first;
    this.#end = end;
    this.#found = found;
    return found;
  }

  #lookUp(first: RecordIndex, end: RecordIndex, found: FoundSlices): void {
    const { fn, start, stop, track } = this.#records;
    for (let record = first; record < end; record++) {
      const of = fn.at(record);
      this.#slices.visit(track.at(record), start.at(record), stop.at(record) + 1, (slice) => {
        if (slice.record === record) found.add(slice, of);
        return;
      });
    }
  }
}

/** Of slices by ascending record those of [first, end). */
function addRange(from: FoundSlices, first: RecordIndex, end: RecordIndex, to: FoundSlices): void {
  const records = from.record.view(0);
  for (let i = lowerBound(records, first); i < records.length && records[i]! < end; i++)
    to.addFrom(from, i, from.category.at(i));
}
