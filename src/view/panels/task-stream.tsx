import type { JSX } from 'solid-js';
import { plural } from '../format.ts';
import { useLive } from '../live-store.ts';
import { streamNumbers } from '../timeline/drawing/numbers.ts';
import { TimelineView } from '../timeline/timeline-view.tsx';

/** Tasks that /status follows. */
const RECENT = 1_000;

/** What every thread is doing: the last 1,000 tasks of the last run, and now. */
export function TaskStream(): JSX.Element {
  const live = useLive();
  const numbers = (): string => {
    live.state();
    const { records, where } = streamNumbers(live.replica);
    const shown = records > RECENT ? `last ${plural(RECENT, 'task')}` : plural(records, 'task');
    return `${shown} · ${where}`;
  };
  return <TimelineView numbers={numbers} follows="recent" />;
}
