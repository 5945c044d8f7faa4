import { createSignal, type JSX, onCleanup, Show } from 'solid-js';
import type { Timeline } from '../timeline/timeline.ts';
import type { RowsPlace } from '../timeline/timeline-options.ts';
import { Choice } from '../widgets/choice.tsx';
import type { Grouping, RowOptions, RowOrder } from './row-model.ts';
import { parseWhen } from './when.ts';

const GROUPINGS: readonly (readonly [Grouping, string])[] = [
  ['none', 'none'],
  ['worker', 'worker'],
  ['host', 'host'],
];
const ORDERS: readonly (readonly [RowOrder, string])[] = [
  ['worker', 'host and worker'],
  ['name', 'worker name'],
  ['busy', 'busy time in view'],
  ['last', 'last activity'],
];
const RULERS = [
  ['local', 'local'],
  ['elapsed', 'since the run began'],
] as const;

export interface ViewMenuProps {
  readonly timeline: Timeline | null;
  readonly place: RowsPlace | null;
}

/** What is shown of a stream, and how: groups, order and filter of rows, the ruler's time, and a moment to go to. */
export function ViewMenu(props: ViewMenuProps): JSX.Element {
  const [open, setOpen] = createSignal(false);
  let button!: HTMLButtonElement;
  let menu: HTMLDivElement | undefined;
  const close = (): void => {
    if (!open()) return;
    setOpen(false);
    button.focus();
  };
  /** Also while the focus is still on the button that opened it. */
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !open()) return;
    event.stopPropagation();
    close();
  };
  const outside = (event: PointerEvent): void => {
    const target = event.target;
    if (open() && target instanceof Node && !menu?.contains(target) && !button.contains(target)) setOpen(false);
  };
  document.addEventListener('pointerdown', outside);
  onCleanup(() => document.removeEventListener('pointerdown', outside));
  return (
    <span class="view-menu">
      <button
        type="button"
        class="tool"
        ref={button}
        aria-expanded={open()}
        title="Groups, order and filter of rows; the ruler; go to a time"
        onClick={() => setOpen(!open())}
        onKeyDown={onKey}
      >
        Rows ▾
      </button>
      <Show when={open()}>
        <div
          class="view-options"
          ref={(element) => (menu = element)}
          role="dialog"
          aria-label="Rows and time"
          onKeyDown={onKey}
        >
          <RowChoices {...props} />
          <TimeChoices timeline={props.timeline} />
        </div>
      </Show>
    </span>
  );
}

function RowChoices(props: ViewMenuProps): JSX.Element {
  // What was chosen is the timeline's; it says through `place` that something of it changed.
  const options = (): RowOptions | null => {
    void props.place;
    return props.timeline?.rows.options ?? null;
  };
  const set = (change: Partial<RowOptions>): void => props.timeline?.setRows(change);
  const grouping = (): Grouping => props.place?.rows.group ?? 'worker';
  return (
    <>
      <div class="option">
        <span>Group by</span>
        <Choice
          label="Group rows by"
          options={GROUPINGS}
          value={grouping()}
          onChoose={(group) => set({ group, toggled: [], pinned: [], ...(group === 'none' && { folded: null }) })}
        />
      </div>
      <div class="option">
        <span />
        <span class="segments">
          <button
            type="button"
            class="tool"
            disabled={grouping() === 'none'}
            title="One row for each group (Shift G)"
            onClick={() => set({ folded: true, toggled: [] })}
          >
            Fold all
          </button>
          <button
            type="button"
            class="tool"
            disabled={grouping() === 'none'}
            title="One row for each thread (Shift G)"
            onClick={() => set({ folded: false, toggled: [] })}
          >
            Unfold all
          </button>
          <Show when={(options()?.pinned.length ?? 0) > 0}>
            <button type="button" class="tool" onClick={() => set({ pinned: [] })}>
              Unpin
            </button>
          </Show>
        </span>
      </div>
      <label class="option">
        <span>Order</span>
        <select
          value={options()?.order ?? 'worker'}
          onChange={(event) => set({ order: event.currentTarget.value as RowOrder })}
        >
          {ORDERS.map(([value, title]) => (
            <option value={value}>{title}</option>
          ))}
        </select>
      </label>
      <label class="option">
        <span>Only</span>
        <input
          type="search"
          placeholder="worker or host…"
          aria-label="Show rows whose worker or host contains"
          value={options()?.text ?? ''}
          onInput={(event) => set({ text: event.currentTarget.value })}
        />
      </label>
    </>
  );
}

function TimeChoices(props: { timeline: Timeline | null }): JSX.Element {
  const [elapsed, setElapsed] = createSignal(props.timeline?.stage.elapsed === true);
  const [refusal, setRefusal] = createSignal('');
  let when!: HTMLInputElement;
  const go = (text: string): void => {
    const camera = props.timeline?.camera;
    if (camera === undefined || text.trim() === '') return;
    const { since, until } = camera.state();
    const time = parseWhen(text, { at: (since + until) / 2, runStart: camera.runStart });
    if (time === null) setRefusal('Write a time as 14:03:07, an ISO date, +1:30 or epoch seconds.');
    else if (camera.goTo(time))
      // The next time may be written at once.
      when.select();
    else setRefusal('There is no history at that time.');
  };
  return (
    <>
      <div class="option">
        <span>Ruler</span>
        <Choice
          label="The ruler shows"
          options={RULERS}
          value={elapsed() ? 'elapsed' : 'local'}
          onChoose={(value) => {
            setElapsed(value === 'elapsed');
            props.timeline?.setElapsed(value === 'elapsed');
          }}
        />
      </div>
      <form
        class="option"
        onSubmit={(event) => {
          event.preventDefault();
          go(new FormData(event.currentTarget).get('when')?.toString() ?? '');
        }}
      >
        <label for="go-to-time">Go to time</label>
        <span class="segments">
          <input
            id="go-to-time"
            ref={when}
            name="when"
            type="text"
            placeholder="14:03:07, +1:30, ISO…"
            onInput={() => setRefusal('')}
          />
          <button type="submit" class="tool">
            Go
          </button>
        </span>
      </form>
      <p class="refusal" role="status">
        {refusal()}
      </p>
    </>
  );
}
