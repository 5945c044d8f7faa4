import { createEffect, type JSX, Show } from 'solid-js';
import type { Timeline } from '../timeline/timeline.ts';
import type { RowsPlace } from '../timeline/timeline-options.ts';

/** No thumb is shorter, CSS pixels: fingers must find it. */
const LEAST_THUMB = 28;

/** Beside the plot where its rows do not fit: a bar that can be grabbed, and pressed beside its thumb to go a screen on. */
export function RowScrollbar(props: { timeline: Timeline | null; place: RowsPlace | null }): JSX.Element {
  let bar!: HTMLDivElement;
  let thumb!: HTMLDivElement;
  let held: { y: number; scroll: number } | null = null;
  const scrollable = (): number => Math.max(0, (props.place?.total ?? 0) - (props.place?.height ?? 0));
  const measures = (): { room: number; length: number } => {
    const { height, total } = props.place ?? { height: 1, total: 1 };
    const length = Math.max(LEAST_THUMB, (bar.clientHeight * height) / Math.max(1, total));
    return { room: Math.max(1, bar.clientHeight - length), length };
  };
  createEffect(() => {
    if (props.place === null || scrollable() === 0) return;
    const { room, length } = measures();
    thumb.style.height = `${length}px`;
    thumb.style.transform = `translateY(${(props.place.scroll / scrollable()) * room}px)`;
  });
  const down = (event: PointerEvent): void => {
    const box = thumb.getBoundingClientRect();
    event.preventDefault();
    if (event.clientY < box.top || event.clientY > box.bottom) {
      props.timeline?.scrollScreens(event.clientY < box.top ? -0.9 : 0.9);
      return;
    }
    held = { y: event.clientY, scroll: props.place?.scroll ?? 0 };
    bar.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent): void => {
    if (held === null || props.timeline === null) return;
    const wanted = held.scroll + ((event.clientY - held.y) / measures().room) * scrollable();
    props.timeline.scrollBy(wanted - (props.place?.scroll ?? 0));
  };
  return (
    <Show when={scrollable() > 0}>
      {/* biome-ignore lint/a11y/useFocusableInteractive: the plot has the keys for it (Page up, Page down, Home, End) */}
      <div
        class="row-scrollbar"
        ref={bar}
        role="scrollbar"
        aria-orientation="vertical"
        aria-label="Rows"
        aria-controls="task-stream-plot"
        aria-valuemin={0}
        aria-valuemax={Math.round(scrollable())}
        aria-valuenow={Math.round(props.place?.scroll ?? 0)}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={() => (held = null)}
        onPointerCancel={() => (held = null)}
        onWheel={(event) => {
          event.preventDefault();
          props.timeline?.scrollBy(event.deltaY);
        }}
      >
        <div class="thumb" ref={thumb} />
      </div>
    </Show>
  );
}
