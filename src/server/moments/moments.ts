import { TaskglassError } from '../../base/errors.ts';
import type { Store } from '../../store/store.ts';
import { Chain, type ChainPart } from './chain.ts';
import { Moment } from './moment.ts';

/** Each costs what was true at its time, and a file's worth of events. */
const MOST = 8;

/** Places in a recorded history at which somebody looks, at most {@link MOST}. */
export class Moments {
  readonly store: Store;
  readonly #parts: () => readonly ChainPart[];
  readonly #chain: Chain;
  #open = 0;

  /** `parts`: where the history of the store is recorded by now. */
  constructor(store: Store, parts: () => readonly ChainPart[]) {
    this.store = store;
    this.#parts = parts;
    this.#chain = new Chain(parts);
  }

  /** @throws NOT_RECORDED, MOMENTS_FULL */
  open(): Moment {
    if (this.#parts().length === 0) throw new TaskglassError('NOT_RECORDED', 'nothing was written down');
    if (this.#open >= MOST) throw new TaskglassError('MOMENTS_FULL', `${MOST} pages do already`);
    this.#open++;
    return new Moment(this.store, this.#chain);
  }

  /** One that was opened is not used any more. */
  release(): void {
    this.#open--;
    if (this.#open === 0) this.#chain.rest();
  }
}
