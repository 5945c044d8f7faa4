import { type Accessor, createEffect, createSignal, on, onCleanup } from 'solid-js';
import type { RecordDetails } from '../../model/batch.ts';
import { Arrows } from './drawing/arrows.ts';
import type { Hit } from './drawing/hit.ts';
import type { Records } from './records/records.ts';
import type { Timeline } from './timeline.ts';

/** Reads what the chosen task waited for, and has it drawn on a stream. Null while nothing is known. */
export function useArrows(
  timeline: Accessor<Timeline | null>,
  chosen: Accessor<Hit | null>,
  records: Records,
): Accessor<RecordDetails | null> {
  const [details, setDetails] = createSignal<RecordDetails | null>(null);
  const arrows = new Arrows();
  const show = (next: RecordDetails | null): void => {
    arrows.show(next);
    setDetails(next);
    timeline()?.redraw();
  };
  createEffect(() => {
    const made = timeline();
    if (made !== null) onCleanup(made.addOverlay(arrows));
  });
  const record = (): number => {
    const hit = chosen();
    return hit?.kind === 'slice' ? hit.record : -1;
  };
  createEffect(
    on(record, (id) => {
      show(null);
      if (id < 0) return;
      const reading = new AbortController();
      onCleanup(() => reading.abort());
      void records.details(id, reading.signal).then((found) => {
        if (found !== null && !reading.signal.aborted) show(found);
      });
    }),
  );
  return details;
}
