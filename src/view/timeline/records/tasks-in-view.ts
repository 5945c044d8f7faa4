import { type Accessor, createEffect, createSignal, on, onCleanup } from 'solid-js';
import type { TimelineState } from '../drawing/report.ts';
import type { Records } from './records.ts';

/** What is in view is counted at most this often, ms, and once what is moved by hand has rested so long. */
const REST = 400;
/** Counting millions of tasks takes a while: that is to be a small part of the server's time. */
const SELDOM = 8;

export interface InViewOptions {
  readonly records: Records;
  readonly shown: Accessor<Pick<TimelineState, 'following' | 'since' | 'until'> | null>;
  /** All tasks there are: more of them may be in view as well. */
  readonly total: Accessor<number>;
  readonly narrowed: Accessor<readonly (readonly [name: string, value: string])[]>;
}

/** How many tasks are in view. Null: that cannot be told; undefined: not yet, of what is looked for now. */
export function createTasksInView({
  records,
  shown,
  total,
  narrowed,
}: InViewOptions): Accessor<number | null | undefined> {
  const [inView, setInView] = createSignal<number | null | undefined>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let counting: AbortController | null = null;
  let pause = REST;
  let due = false;
  const count = async (): Promise<void> => {
    timer = null;
    const range = shown();
    if (range === null) return;
    const own = new AbortController();
    counting = own;
    const began = performance.now();
    const { since, until } = range;
    const page = await records.page({ since, until, narrowed: narrowed(), limit: 1 }, own.signal);
    if (own.signal.aborted) return;
    counting = null;
    pause = Math.max(REST, SELDOM * (performance.now() - began));
    // Where it cannot be told (a file that holds a part as sums), nothing is said.
    setInView(page?.total ?? null);
    if (due) soon();
  };
  const soon = (): void => {
    due = counting !== null;
    if (!due) timer ??= setTimeout(() => void count(), pause);
  };
  const stop = (): void => {
    counting?.abort();
    counting = null;
    if (timer !== null) clearTimeout(timer);
    timer = null;
    pause = REST;
  };
  createEffect(
    on(narrowed, () => {
      stop();
      setInView(undefined);
    }),
  );
  createEffect(
    on([shown, total, narrowed], ([now], before) => {
      const last = before?.[0];
      // What is moved by hand is counted once it rests; what follows never does.
      if (now?.following === false && (last?.since !== now.since || last.until !== now.until)) stop();
      soon();
    }),
  );
  onCleanup(stop);
  return inView;
}
