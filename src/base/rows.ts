/** A list whose rows are made when they are asked for, so that a long one that waits to be read costs next to nothing. */
export class Rows<T> implements Iterable<T> {
  readonly length: number;
  readonly #at: (i: number) => T;

  constructor(length: number, at: (i: number) => T) {
    this.length = length;
    this.#at = at;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.length; i++) yield this.#at(i);
  }
}
