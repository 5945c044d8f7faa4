import './export.css';
import { createSignal, createUniqueId, For, type JSX, onCleanup, Show } from 'solid-js';
import { parsePath } from '../address.ts';
import { useLive } from '../live-store.ts';
import { EXPORT_FORMATS } from './formats.ts';

interface Range {
  /** Epoch seconds. */
  readonly since: number;
  readonly until: number;
  /** Numbers of its rows, as the API takes them; null or absent: all. */
  readonly tracks?: string | null;
}

export interface ExportMenuProps {
  /** What the stream shows. */
  readonly view: Range | null;
  /** The area that is selected. */
  readonly area: Range | null;
  /** What tasks are narrowed by, as parameters of the API. */
  readonly narrowed: readonly (readonly [name: string, value: string])[];
}

/** Leads to exports of what is watched: everything, what is in view, or the selected area, with the filters that are set. */
export function ExportMenu(props: ExportMenuProps): JSX.Element {
  const live = useLive();
  const [open, setOpen] = createSignal(false);
  const [what, setWhat] = createSignal<'all' | 'view' | 'area'>('all');
  const name = createUniqueId();
  let button!: HTMLButtonElement;
  let menu: HTMLDivElement | undefined;
  const outside = ({ target }: PointerEvent): void => {
    if (open() && target instanceof Node && !menu?.contains(target) && !button.contains(target)) setOpen(false);
  };
  /** Also while the focus is still on the button that opened it. */
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !open()) return;
    event.stopPropagation();
    setOpen(false);
    button.focus();
  };
  document.addEventListener('pointerdown', outside);
  onCleanup(() => document.removeEventListener('pointerdown', outside));
  const chosen = (): Range | null => {
    if (what() === 'area') return props.area;
    return what() === 'view' ? props.view : null;
  };
  const choice = (value: 'all' | 'view' | 'area', label: string): JSX.Element => (
    <label>
      <input type="radio" name={name} checked={what() === value} onChange={() => setWhat(value)} />
      {label}
    </label>
  );
  return (
    <Show when={!live.isFile}>
      <span class="export-menu">
        <button
          type="button"
          class="tool"
          ref={button}
          aria-expanded={open()}
          title="Take the history along as a file"
          onClick={() => setOpen(!open())}
          onKeyDown={onKey}
        >
          Export ▾
        </button>
        <Show when={open()}>
          <div
            class="export-options"
            ref={(element) => (menu = element)}
            role="dialog"
            aria-label="Export"
            onKeyDown={onKey}
          >
            <fieldset>
              <legend>What</legend>
              {choice('all', 'All of history')}
              {choice('view', 'The time in view')}
              <Show when={props.area}>{choice('area', 'The selected area')}</Show>
            </fieldset>
            <Show when={props.narrowed.length > 0}>
              <p>The filters that are set apply.</p>
            </Show>
            <ul>
              <For each={EXPORT_FORMATS}>
                {([format, label, about]) => (
                  <li>
                    <a
                      href={exportAddress(format, chosen(), props.narrowed)}
                      download=""
                      onClick={() => setOpen(false)}
                    >
                      <b>{label}</b> <span>{about}</span>
                    </a>
                  </li>
                )}
              </For>
            </ul>
          </div>
        </Show>
      </span>
    </Show>
  );
}

/** Where the server gives a file of that. */
function exportAddress(format: string, range: Range | null, narrowed: ExportMenuProps['narrowed']): string {
  const query = new URLSearchParams({ format });
  for (const [name, value] of narrowed) query.append(name, value);
  if (range !== null) {
    query.set('since', range.since.toFixed(6));
    query.set('until', range.until.toFixed(6));
    if (range.tracks != null) query.set('tracks', range.tracks);
  }
  return `${parsePath(location.pathname).base}api/v1/export?${query}`;
}
