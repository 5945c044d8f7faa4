import type { KnownBefore } from '../../model/known-before.ts';
import type { SourceEvent } from '../../model/source-event.ts';
import type { BeforeKeeper } from '../../recording/recorder.ts';
import { MomentStore } from '../../store/moment/moment-store.ts';

/** What a recorder writes at the head of each file, so that any moment in it can be shown. */
export class Keeper implements BeforeKeeper {
  #known = new MomentStore(null);

  accept(event: SourceEvent): void {
    // Each cluster has a recording of its own.
    if (event.kind === 'cluster' && this.#known.cluster !== null && event.id !== this.#known.cluster.id) {
      this.#known = new MomentStore(null);
    }
    this.#known.accept(event);
  }

  before(): KnownBefore {
    return this.#known.before();
  }
}
