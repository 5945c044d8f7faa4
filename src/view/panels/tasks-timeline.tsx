import { createEffect, createSignal, type JSX, on, onCleanup } from 'solid-js';
import { rangeOf } from '../address.ts';
import { formatCount, plural } from '../format.ts';
import { useLive } from '../live-store.ts';
import { streamNumbers } from '../timeline/numbers.ts';
import { Records } from '../timeline/records.ts';
import type { TimelineState } from '../timeline/report.ts';
import { TimelineView } from '../timeline/timeline-view.tsx';

/** What is in view is counted at most this often, ms. */
const REST = 400;

/** All of history: the stream of the last 100,000 tasks and more, with a minimap and a filter. */
export function TasksTimeline(): JSX.Element {
  const live = useLive();
  const records = new Records();
  const [filter, setFilter] = createSignal('');
  const [shown, setShown] = createSignal<{ since: number; until: number } | null>(null);
  const [inView, setInView] = createSignal<number | null>(null);
  const total = (): number => {
    live.state();
    return live.replica.totals?.records ?? 0;
  };
  let timer: ReturnType<typeof setTimeout> | null = null;
  let counting: AbortController | null = null;
  const count = async (): Promise<void> => {
    timer = null;
    const range = shown();
    if (range === null) return;
    counting?.abort();
    counting = new AbortController();
    const page = await records.page({ ...range, limit: 1 }, counting.signal);
    if (page !== null) setInView(page.total);
  };
  const soon = (): void => {
    if (timer === null) timer = setTimeout(() => void count(), REST);
  };
  createEffect(on([shown, total], soon));
  onCleanup(() => {
    if (timer !== null) clearTimeout(timer);
    counting?.abort();
  });
  const onState = (state: TimelineState): void => {
    setShown({ since: state.since, until: state.until });
  };
  const matching = (): string => {
    const names = live.replica.names.filter((name) => name !== undefined && name !== '');
    const shown = names.filter((name) => name.toLowerCase().includes(filter().trim().toLowerCase()));
    return `${formatCount(shown.length)} of ${plural(names.length, 'function')} shown`;
  };
  const numbers = (): string => {
    const { where } = streamNumbers(live.replica);
    const seen = inView();
    if (filter().trim() !== '') return `${matching()} · ${plural(total(), 'task')} in all · ${where}`;
    const tasks =
      seen === null
        ? plural(total(), 'task')
        : `${formatCount(Math.min(seen, total()))} of ${plural(total(), 'task')} in view`;
    return `${tasks} · ${where}`;
  };
  return (
    <TimelineView
      numbers={numbers}
      follows="history"
      minimap={true}
      filter={filter()}
      start={rangeOf(location.search)}
      onState={onState}
      tools={
        <input
          type="search"
          class="stream-filter"
          aria-label="Show functions whose name contains"
          placeholder="Function…"
          value={filter()}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      }
    />
  );
}
