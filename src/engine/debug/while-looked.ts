/** Nobody has asked for so long: nobody looks any more. Pages ask every second or so. */
const LOOK_MS = 15_000;

/** Does something that costs a little only while someone looks: from one look until none came for a while. */
export class WhileLooked {
  readonly #begin: () => () => void;
  #end: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param begin starts it and returns what stops it */
  constructor(begin: () => () => void) {
    this.#begin = begin;
  }

  look(): void {
    this.#end ??= this.#begin();
    if (this.#timer === null) this.#timer = setTimeout(() => this.#stop(), LOOK_MS).unref();
    else this.#timer.refresh();
  }

  #stop(): void {
    this.#end?.();
    this.#end = null;
    this.#timer = null;
  }
}
