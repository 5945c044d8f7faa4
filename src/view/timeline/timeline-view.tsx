import './timeline.css';
import '../rows/rows.css';
import { createEffect, createSignal, For, type JSX, on, onCleanup, onMount, Show } from 'solid-js';
import type { RecordView, WindowFilter } from '../../model/batch.ts';
import { useLive } from '../live-store.ts';
import { usePlayhead } from '../playhead/playhead.ts';
import { listenRuler } from '../playhead/ruler-seek.ts';
import { RowScrollbar } from '../rows/row-scrollbar.tsx';
import { ViewMenu } from '../rows/view-menu.tsx';
import type { ListOrder } from '../search/tasks-state.ts';
import { useTheme } from '../theme.ts';
import { Panel } from '../widgets/panel.tsx';
import { useArrows } from './arrows-state.ts';
import type { Hit } from './drawing/hit.ts';
import { Minimap } from './drawing/minimap.ts';
import type { TimelineState } from './drawing/report.ts';
import type { Drag } from './moving/gestures.ts';
import type { Command } from './moving/keys.ts';
import { listenKeys } from './moving/stream-keys.ts';
import { connectPointer } from './moving/stream-pointer.ts';
import { type CardPlace, DetailsCard } from './records/details-card.tsx';
import { Records } from './records/records.ts';
import { RecordsTable } from './records/records-table.tsx';
import { StreamTools } from './stream-tools.tsx';
import { Timeline } from './timeline.ts';
import type { RowsPlace } from './timeline-options.ts';

export interface TimelineViewProps {
  /** What the title says; reads signals. */
  readonly numbers: () => string;
  readonly follows: 'recent' | 'history';
  readonly minimap?: boolean;
  /** Functions whose name contains this alone. */
  readonly filter?: string;
  /** These functions alone; empty: all. */
  readonly functions?: readonly string[];
  /** Tasks that do not match fade; null: none does. */
  readonly tasks?: WindowFilter | null;
  /** All other functions fade. */
  readonly highlight?: string | null;
  /** What the table twin is narrowed by besides the time that is shown, as parameters of the API. */
  readonly narrowed?: readonly (readonly [name: string, value: string])[];
  /** Which tasks the table twin has first; null: as they came. */
  readonly list?: ListOrder | null;
  readonly onList?: (list: ListOrder | null) => void;
  /** Controls in front of the stream's own. */
  readonly tools?: JSX.Element;
  /** Epoch seconds to open with. */
  readonly start?: { readonly since: number; readonly until: number } | null;
  readonly onState?: (state: TimelineState) => void;
  /** The stream itself, once it is there: to add overlays, to move it, to read its view state; and its details. */
  readonly onTimeline?: (timeline: Timeline, details: Details) => void;
  /** Only this function, or this worker, is to be shown. */
  readonly onOnly?: (name: string | null, worker: string | null) => void;
  /** Rows were placed, folded or scrolled. */
  readonly onRows?: () => void;
  /** Other details are open; null: none. */
  readonly onPinned?: (hit: Hit | null) => void;
  /** Escape where no details are open; true: it had something to close. */
  readonly onEscape?: () => boolean;
  /** What is in view is to be selected as an area. */
  readonly onArea?: () => void;
  /** What a press on the plot takes hold of (an area to be selected, say); absent or null: the plot, which is panned. */
  readonly grab?: (at: { x: number; y: number }, event: PointerEvent) => Drag | null;
  /** Lies over the plot, in the stream's own box. */
  readonly children?: JSX.Element;
}

/** The details of one task beside a stream. */
export interface Details {
  /** Opens those of a record; `move`: goes to where it ran. False where its row is not there any more. */
  show(record: RecordView, move: boolean): boolean;
  close(): void;
}

const LEGEND = ['transfer', 'disk', 'erred', 'running now'] as const;
const KEYS_HELP =
  'Arrow keys or W, A, S, D move and zoom. N and P step through slices, Shift with up and down changes the row, E finds the next erred task, G folds the rows of a group and Shift G all of them, T puts them first, Page up and Page down scroll rows, Enter opens its details, F fits, Escape follows.';

interface Card {
  readonly hit: Hit;
  readonly at: CardPlace;
}

/** A task stream in a panel: canvases, controls, details and table twin around a {@link Timeline}. */
export function TimelineView(props: TimelineViewProps): JSX.Element {
  const live = useLive();
  const theme = useTheme();
  const playhead = usePlayhead();
  live.use('running');
  const records = new Records();
  const [state, setState] = createSignal<TimelineState | null>(null);
  const [hover, setHover] = createSignal<Card | null>(null);
  const [pinned, setPinned] = createSignal<Card | null>(null);
  const [said, setSaid] = createSignal('');
  const [table, setTable] = createSignal(false);
  const [place, setPlace] = createSignal<RowsPlace | null>(null);
  const [timeline, setTimeline] = createSignal<Timeline | null>(null);
  const details = useArrows(timeline, () => pinned()?.hit ?? null, records);
  let root!: HTMLDivElement;
  let plot!: HTMLCanvasElement;
  let gutter!: HTMLCanvasElement;
  let ruler!: HTMLCanvasElement;
  let strip: HTMLCanvasElement | undefined;
  const pointer = { x: 0, y: 0 };

  const unpin = (): void => {
    // The focus must not be lost with the card that has it.
    const inside = root.contains(document.activeElement);
    if (pinned() !== null && inside) plot.focus();
    if (pinned() !== null) props.onPinned?.(null);
    setPinned(null);
    timeline()?.selection.select(null);
  };
  const pin = (hit: Hit | null, at: CardPlace): void => {
    setPinned(hit === null ? null : { hit, at });
    props.onPinned?.(hit);
    timeline()?.selection.select(hit);
    if (hit?.kind === 'running') setSaid(`${live.replica.names[hit.fn] ?? ''}, running, key ${hit.key}`);
  };
  /** Details of what was gone to stand below its row, or above it: they hide neither it nor the arrows along its row. */
  const pinByKey = (hit: Hit | null): void => {
    if (hit === null) {
      setSaid('Nothing further here.');
      return;
    }
    const box = plot.getBoundingClientRect();
    const { top, height } = timeline()?.selection.rowOf(hit) ?? { top: 0, height: 0 };
    pin(hit, { x: box.left + box.width * 0.5, y: box.top + top, height });
  };
  const findErred = async (direction: 1 | -1): Promise<void> => {
    const narrowed = props.narrowed ?? [];
    const page = await records.page({ narrowed, status: 'erred', limit: 10_000 }, new AbortController().signal);
    const named = (props.filter ?? '').trim().toLowerCase();
    const tasks = (page?.tasks ?? [])
      .filter(({ name }) => name.toLowerCase().includes(named))
      .sort((a, b) => a.start - b.start);
    const chosen = pinned()?.hit;
    const from = chosen?.kind === 'slice' ? tasks.findIndex((task) => task.record === chosen.record) : -1;
    const next = from < 0 ? (direction === 1 ? tasks[0] : tasks.at(-1)) : tasks[from + direction];
    if (next === undefined) setSaid(tasks.length === 0 ? 'No task erred.' : 'No further erred task.');
    else showRecord(next);
  };
  const showRecord = (record: RecordView): void => {
    setTable(false);
    const hit = timeline()?.selection.showRecord(record) ?? null;
    pinByKey(hit);
    plot.focus();
  };

  onMount(() => {
    const minimap = strip === undefined ? null : new Minimap(strip);
    const panel = root.closest<HTMLElement>('.panel') ?? root;
    const reduced = matchMedia('(prefers-reduced-motion: reduce)');
    const made = new Timeline({
      live,
      elements: { plot, gutter, ruler },
      panel,
      minimap,
      follows: props.follows,
      start: props.start ?? null,
      colors: theme.colors(),
      reducedMotion: () => reduced.matches,
      onState: (next) => {
        setState(next);
        props.onState?.(next);
      },
      onHover: (hit) => setHover(hit === null ? null : { hit, at: { ...pointer } }),
      onRows: (next) => {
        setPlace(next);
        props.onRows?.();
      },
      onGutter: (width) => root.style.setProperty('--gutter', `${width}px`),
    });
    setTimeline(made);
    const ratio = globalThis.devicePixelRatio || 1;
    const disconnect = connectPointer({
      timeline: made,
      elements: { plot, gutter, ruler },
      strip,
      minimap,
      onPick: (x, y) => {
        const box = plot.getBoundingClientRect();
        made.point({ x: x * ratio, y: y * ratio });
        pin(made.hitAt(x * ratio, y * ratio), { x: box.left + x, y: box.top + y });
      },
      onFollow: () => {
        unpin();
        made.camera.follow();
      },
      grab: (at, event) => props.grab?.(at, event) ?? null,
    });
    const unseek = playhead === undefined ? null : listenRuler(ruler, plot, made.camera, playhead);
    const unlisten = listenKeys(root, plot, {
      ready: () => !table(),
      close: () => {
        if (pinned() === null) return props.onEscape?.() ?? false;
        unpin();
        return true;
      },
      run: (command) => run(made, command),
      release: (movement) => made.camera.release(movement),
    });
    props.onTimeline?.(made, {
      show: (record, move) => {
        setTable(false);
        const hit = move ? made.selection.showRecord(record) : made.selection.hitOf(record);
        if (hit !== null) pinByKey(hit);
        return hit !== null;
      },
      close: unpin,
    });
    onCleanup(() => {
      disconnect();
      unseek?.();
      unlisten();
      made.dispose();
    });
  });
  createEffect(on(theme.colors, (colors) => timeline()?.setColors(colors), { defer: true }));
  createEffect(() => timeline()?.setFilter(props.filter ?? '', props.functions ?? [], props.tasks ?? null));
  createEffect(() => timeline()?.setHighlight(props.highlight ?? null));
  // Another scheduler gives the same ids to other records.
  createEffect(
    on(
      () => {
        live.state();
        return live.replica.cluster?.id;
      },
      () => records.forget(),
    ),
  );

  const run = (made: Timeline, command: Command): void => {
    switch (command.kind) {
      case 'fold':
        made.fold();
        return;
      case 'fold-all':
        made.foldAll();
        return;
      case 'pin':
        made.pinRows();
        return;
      case 'scroll':
        made.scrollScreens(command.screens);
        return;
      case 'move':
        made.camera.press(command.movement);
        return;
      case 'fit':
        made.camera.fit();
        return;
      case 'run':
        made.camera.goToRun(command.direction);
        return;
      case 'slice':
        pinByKey(made.selection.step(command.direction));
        return;
      case 'row':
        pinByKey(made.selection.stepRow(command.direction));
        return;
      case 'erred':
        void findErred(command.direction);
        return;
      case 'area':
        props.onArea?.();
        return;
      case 'open':
        root.querySelector<HTMLElement>('.details.pinned')?.focus();
        return;
      default:
        made.camera.follow();
    }
  };
  const shownTime = (): { since: number; until: number } | null => {
    const now = state();
    return now === null || now.following ? null : { since: now.since, until: now.until };
  };
  const hasTasks = (): boolean => {
    live.state();
    live.running();
    const { runs, running, gaps } = live.replica;
    return runs.length + running.size + gaps.length > 0;
  };

  return (
    <Panel
      title="Task stream"
      class="stream"
      numbers={props.numbers()}
      tableOpen={table()}
      onTable={setTable}
      table={() => (
        <RecordsTable
          live={live}
          records={records}
          caption={captionOf(shownTime() !== null, props.list ?? null)}
          range={shownTime()}
          narrowed={props.narrowed ?? []}
          {...(props.onList !== undefined && { onList: props.onList, list: props.list ?? null })}
          onShow={showRecord}
        />
      )}
      tools={
        <>
          {props.tools}
          <ViewMenu timeline={timeline()} place={place()} />
          <StreamTools timeline={timeline()} state={state()} />
        </>
      }
    >
      <div
        class="timeline"
        ref={root}
        classList={{ mapped: props.minimap === true }}
        onPointerMove={(event) => {
          pointer.x = event.clientX;
          pointer.y = event.clientY;
          const card = hover();
          if (card !== null) setHover({ hit: card.hit, at: { ...pointer } });
        }}
      >
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it takes keys and pointers as an application does */}
        <canvas
          class="plot"
          id="task-stream-plot"
          ref={plot}
          tabindex="0"
          role="application"
          aria-label="Task stream plot"
          aria-description={KEYS_HELP}
        />
        {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: a canvas without a tabindex takes no focus */}
        <canvas class="gutter" ref={gutter} aria-hidden="true" />
        {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: a canvas without a tabindex takes no focus */}
        <canvas class="ruler" ref={ruler} aria-hidden="true" />
        <RowScrollbar timeline={timeline()} place={place()} />
        <Show when={props.minimap}>
          <canvas
            class="minimap"
            ref={(element) => (strip = element)}
            role="img"
            aria-label="All of history, with a frame around what is shown"
          />
        </Show>
        <ul class="legend">
          <For each={LEGEND}>
            {(entry) => (
              <li>
                <i class={`sample ${entry.replace(' ', '-')}`} />
                {entry}
              </li>
            )}
          </For>
        </ul>
        <Show when={!hasTasks()}>
          <p class="note waiting">No task has run yet. They appear here as soon as one starts.</p>
        </Show>
        <Show when={pinned() === null && hover()}>
          {(card) => (
            <DetailsCard
              hit={card().hit}
              at={card().at}
              replica={live.replica}
              records={records}
              pinned={false}
              onClose={unpin}
            />
          )}
        </Show>
        <Show when={pinned()}>
          {(card) => (
            <DetailsCard
              hit={card().hit}
              at={card().at}
              replica={live.replica}
              records={records}
              pinned={true}
              onClose={unpin}
              details={details()}
              onJump={(task) => {
                void records.read(task.record).then((record) => {
                  if (record !== null) showRecord(record);
                });
              }}
              onText={setSaid}
              {...(props.onOnly !== undefined && { onOnly: props.onOnly })}
            />
          )}
        </Show>
        {props.children}
        <div class="hidden-text" aria-live="polite">
          {said()}
        </div>
      </div>
    </Panel>
  );
}

function captionOf(inView: boolean, list: ListOrder | null): string {
  if (list !== null) return `${inView ? 'Tasks in view' : 'Tasks'}, the ${list} first`;
  return inView ? 'Tasks in view' : 'The last tasks, newest first';
}
