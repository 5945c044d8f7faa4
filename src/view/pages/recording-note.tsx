import { type JSX, Show } from 'solid-js';
import type { Place } from '../address.ts';
import { formatDay, formatDuration } from '../format.ts';
import { useLive } from '../live-store.ts';

/** Says on every page of a recording that it is one, of what and from when, and leads back. */
export function RecordingNote(props: { readonly place: Place | undefined }): JSX.Element {
  const live = useLive();
  const recording = () => {
    live.state();
    const { cluster } = live.replica;
    return cluster?.engine === 'recording' ? cluster : null;
  };
  const span = () => {
    live.state();
    const { allRuns: runs } = live.replica;
    const [first, last] = [runs[0], runs[runs.length - 1]];
    if (first === undefined || last === undefined) return '';
    return `, ${formatDay(first.start)} to ${formatDay(last.stop)} (${formatDuration(last.stop - first.start)})`;
  };
  const damaged = () => {
    live.state();
    return live.replica.gaps.some(({ reason }) => reason === 'unreadable');
  };
  return (
    <Show when={recording()}>
      {(known) => (
        <section aria-label="About this recording">
          <div class="banner recording-note" data-tone="note" role="note">
            <b>A recording.</b>
            <span>
              Of {known().address}
              {span()}. Nothing here is live.{damaged() ? ' Parts of it cannot be read: they are gaps.' : ''}
            </span>
            <Show when={props.place?.pages.startsWith('recordings/') ? props.place : undefined}>
              {(place) => (
                <span class="ways">
                  <a href={`${place().root}history`}>Back to the history</a>
                  <a href={`${place().root}status`}>Back to live</a>
                </span>
              )}
            </Show>
          </div>
        </section>
      )}
    </Show>
  );
}
