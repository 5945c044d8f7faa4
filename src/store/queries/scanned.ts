import type { Steps } from '../../base/steps.ts';
import type { Store } from '../store.ts';

/** The steps of a query that goes through much of a history: the pages that it reads take one another's place in memory. */
export function* scanned<T>({ pager: { memory } }: Store, steps: Steps<T>): Steps<T> {
  for (;;) {
    memory.scanning = true;
    try {
      const { done, value } = steps.next();
      if (done === true) return value;
    } finally {
      memory.scanning = false;
    }
    yield;
  }
}
