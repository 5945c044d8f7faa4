import type { JSX } from 'solid-js';
import { formatClock } from '../format.ts';
import type { TimelineState } from './drawing/report.ts';
import type { Timeline } from './timeline.ts';

const ZOOM_STEP = 1.6;

/** The stream's own buttons in the panel's title bar. */
export function StreamTools(props: { timeline: Timeline | null; state: TimelineState | null }): JSX.Element {
  const status = (): string => {
    const now = props.state;
    if (now === null) return '';
    if (!now.following) return 'looking around';
    return now.idleSince === null ? 'following' : `idle since ${formatClock(now.idleSince)}`;
  };
  return (
    <>
      <span class="stream-status">{status()}</span>
      <button
        type="button"
        class="tool"
        aria-pressed={props.state?.following === true}
        title="Follow what happens now (double click, Esc)"
        onClick={() => props.timeline?.camera.follow()}
      >
        Follow
      </button>
      <button
        type="button"
        class="tool"
        title="The whole run; again: all of history (F)"
        onClick={() => props.timeline?.camera.fit()}
      >
        Fit
      </button>
      <button
        type="button"
        class="tool zoom"
        aria-label="Zoom in"
        title="Zoom in (W)"
        onClick={() => props.timeline?.camera.zoomCentre(1 / ZOOM_STEP)}
      >
        +
      </button>
      <button
        type="button"
        class="tool zoom"
        aria-label="Zoom out"
        title="Zoom out (S)"
        onClick={() => props.timeline?.camera.zoomCentre(ZOOM_STEP)}
      >
        −
      </button>
    </>
  );
}
