import { Growable } from '../../base/growable.ts';
import type { RecordIndex } from '../../model/units.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';

/**
 * Which records are rows that the source told as they finished: all but those from before it came, and those of lost tasks. Such rows
 * depend on one another by how far apart they were told.
 */
export class ToldRows {
  /** Stretches of told rows: the first record of each, and how many rows were told before it. */
  readonly #records = new Growable(Float64Array, 8);
  readonly #before = new Growable(Float64Array, 8);
  #told = 0;

  save(into: StateWriter): void {
    into.number(this.#told);
    into.numbers(this.#records.view());
    into.numbers(this.#before.view());
  }

  load(from: StateReader): void {
    this.#told = from.number();
    this.#records.append(from.numbers());
    this.#before.append(from.numbers());
  }

  /** `record` is the next one, and was told. */
  push(record: RecordIndex): void {
    const last = this.#records.length - 1;
    const next = last < 0 ? -1 : this.#records.at(last) + this.#told - this.#before.at(last);
    if (record !== next) {
      this.#records.push(record);
      this.#before.push(this.#told);
    }
    this.#told++;
  }

  /** The record that was told so many rows before the last one; undefined where there is none. */
  back(rows: number): RecordIndex | undefined {
    const row = this.#told - 1 - rows;
    if (row < 0) return undefined;
    let stretch = this.#records.length - 1;
    if (this.#before.at(stretch) > row) {
      let low = 0;
      while (low < stretch) {
        const middle = (low + stretch + 1) >>> 1;
        if (this.#before.at(middle) > row) stretch = middle - 1;
        else low = middle;
      }
    }
    return this.#records.at(stretch) + row - this.#before.at(stretch);
  }
}
