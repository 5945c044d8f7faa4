import './playhead.css';
import { createMemo, For, type JSX, onCleanup, onMount, Show } from 'solid-js';
import { formatClock, formatDuration } from '../format.ts';
import { type Playhead, SPEEDS } from './playhead.ts';

/** A keyboard takes the playhead through history in so many steps. */
const STEPS = 1_000;

/** Which moment is shown, and ways to others: a slider over all of history with its runs, play and pause, back to now. */
export function PlayheadBar(props: { readonly playhead: Playhead }): JSX.Element {
  const { playhead } = props;
  const elapsed = () => Math.max(0, playhead.time() - playhead.since());
  const whole = () => Math.max(0.001, playhead.until() - playhead.since());
  const shares = createMemo(() =>
    playhead.runs().map((run) => ({
      left: clip((run.start - playhead.since()) / whole()),
      right: clip((run.stop - playhead.since()) / whole()),
    })),
  );
  const spoken = () => `${formatClock(playhead.time())}, ${formatDuration(elapsed())} after the beginning`;
  const end = () => (playhead.recorded() ? 'End' : 'Live');
  onMount(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== ' ' || event.ctrlKey || event.metaKey || event.altKey || takesSpace(event.target)) return;
      event.preventDefault();
      if (!event.repeat) playhead.toggle();
    };
    document.addEventListener('keydown', onKey);
    onCleanup(() => document.removeEventListener('keydown', onKey));
  });
  return (
    <section class="playhead" aria-label="Time travel" data-away={playhead.away()} data-playing={playhead.playing()}>
      <button
        type="button"
        class="button play"
        aria-label={playhead.playing() ? 'Pause' : 'Play'}
        title={`${playhead.playing() ? 'Pause' : 'Play'} (space)`}
        onClick={() => playhead.toggle()}
      >
        <i class={playhead.playing() ? 'pause-sign' : 'play-sign'} aria-hidden="true" />
      </button>
      <select
        aria-label="Speed"
        title="How many times faster than it was"
        value={playhead.speed()}
        onChange={(event) => playhead.setSpeed(Number(event.currentTarget.value))}
      >
        <For each={speedsWith(playhead.speed())}>{(speed) => <option value={speed}>{speed}×</option>}</For>
      </select>
      <button
        type="button"
        class="tool"
        aria-label="Run before"
        title="To the beginning of the run before"
        onClick={() => playhead.step(-1)}
      >
        <i class="run-before" aria-hidden="true" />
      </button>
      <div class="playhead-track">
        <div class="playhead-runs" aria-hidden="true">
          <For each={shares()}>
            {(run) => <i style={{ left: `${run.left * 100}%`, right: `${(1 - run.right) * 100}%` }} />}
          </For>
        </div>
        <input
          type="range"
          aria-label="Time shown"
          min={0}
          max={whole()}
          step={whole() / STEPS}
          value={elapsed()}
          aria-valuetext={spoken()}
          onInput={(event) => playhead.seek(playhead.since() + Number(event.currentTarget.value))}
        />
      </div>
      <button
        type="button"
        class="tool"
        aria-label="Run after"
        title="To the beginning of the run after"
        onClick={() => playhead.step(1)}
      >
        <i class="run-after" aria-hidden="true" />
      </button>
      <span class="playhead-time">
        <b>{formatClock(playhead.time())}</b>{' '}
        <span class="dim">
          {formatDuration(elapsed())} <span class="whole">of {formatDuration(whole())}</span>
        </span>
      </span>
      <button
        type="button"
        class="button"
        aria-pressed={!playhead.away()}
        title={playhead.recorded() ? 'To the end of the recording' : 'Back to what happens now'}
        onClick={() => playhead.leave()}
      >
        {end()}
      </button>
      <Show when={!playhead.recorded()}>
        <button
          type="button"
          class="tool"
          aria-label="Close time travel"
          title="Back to now, without these controls"
          onClick={() => playhead.setOpen(false)}
        >
          ×
        </button>
      </Show>
    </section>
  );
}

/** One that an address brought is in the list too. */
function speedsWith(speed: number): readonly number[] {
  return SPEEDS.some((known) => known === speed) ? SPEEDS : [...SPEEDS, speed].sort((a, b) => a - b);
}

function clip(share: number): number {
  return Math.min(1, Math.max(0, share));
}

/** Space presses buttons, opens lists and is typed into fields. */
function takesSpace(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return target.type !== 'range';
  return target.isContentEditable || target.closest('button, a, select, textarea, summary, [role="menuitem"]') !== null;
}
