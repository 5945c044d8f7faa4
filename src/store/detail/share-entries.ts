import { UNMATCHED } from '../../model/task-state.ts';
import type { Micros } from '../../model/units.ts';

/** What an answer has room for: of busy times that are narrow. */
const LARGEST_BUSY = 0xffff_ffff;

/**
 * Entries of an answer in shares in the making: three columns of one length. They are no
 * `Growable`s, whose code is compiled for all kinds of arrays at once: an answer has half a million entries.
 */
export class ShareEntries {
  #bin: Uint16Array;
  #category: Uint16Array;
  #busy: Uint32Array;
  /** Instead of `#busy`, for sums that need more than 32 bits. */
  #wide: Float64Array | null;
  #length = 0;
  readonly #largest: number;

  /** `expected`: how many there will be, about. `wide`: busy times may outgrow 32 bits. `matched`: categories say what matches. */
  constructor(expected: number, wide: boolean, matched: boolean) {
    this.#largest = matched ? 2 * UNMATCHED - 1 : UNMATCHED - 1;
    const capacity = Math.max(64, expected);
    this.#bin = new Uint16Array(capacity);
    this.#category = new Uint16Array(capacity);
    this.#busy = new Uint32Array(wide ? 0 : capacity);
    this.#wide = wide ? new Float64Array(capacity) : null;
  }

  get length(): number {
    return this.#length;
  }

  get bin(): Uint16Array {
    return this.#bin.subarray(0, this.#length);
  }

  get category(): Uint16Array {
    return this.#category.subarray(0, this.#length);
  }

  get busy(): Uint32Array | Float64Array {
    return (this.#wide ?? this.#busy).subarray(0, this.#length);
  }

  readonly push = (bin: number, category: number, micros: Micros): void => {
    const at = this.#length++;
    if (at === this.#bin.length) this.#grow();
    this.#bin[at] = bin;
    this.#category[at] = Math.min(category, this.#largest);
    if (this.#wide !== null) this.#wide[at] = micros;
    else this.#busy[at] = Math.min(micros, LARGEST_BUSY);
  };

  #grow(): void {
    const capacity = this.#bin.length * 2;
    this.#bin = copyInto(new Uint16Array(capacity), this.#bin);
    this.#category = copyInto(new Uint16Array(capacity), this.#category);
    if (this.#wide !== null) this.#wide = copyInto(new Float64Array(capacity), this.#wide);
    else this.#busy = copyInto(new Uint32Array(capacity), this.#busy);
  }
}

function copyInto<T extends Uint16Array | Uint32Array | Float64Array>(into: T, from: T): T {
  into.set(from);
  return into;
}
