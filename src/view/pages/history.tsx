import './history.css';
import {
  createMemo,
  createSignal,
  createUniqueId,
  For,
  type JSX,
  Match,
  onCleanup,
  onMount,
  Show,
  Switch,
} from 'solid-js';
import type { Place } from '../address.ts';
import { EXPORT_FORMATS } from '../export/formats.ts';
import { formatBytes, formatCount, formatDay, plural } from '../format.ts';
import { useLive } from '../live-store.ts';
import { Panel } from '../widgets/panel.tsx';
import { createHistoryList, type HistoryList, type RecordingEntry } from './history-list.ts';
import { COLUMNS, RecordingRows } from './history-rows.tsx';

const NUMBERS: ReadonlySet<string> = new Set(['Lasted', 'Tasks', 'Erred', 'Workers', 'Size']);
/** Room for the menu of exports, px. */
const EXPORT_WIDTH = 340;
const EXPORT_HEIGHT = 230;
/** A search begins when nothing was typed for so long, ms. */
const PAUSE = 200;

const OFF = 'What this server watches is not kept when it ends.';

/** Everything that was recorded here, as long as it is kept. */
export function HistoryPage(props: { readonly place: Place }): JSX.Element {
  const { root } = props.place;
  const history = createHistoryList(root);
  const [text, setText] = createSignal('');
  const [open, setOpen] = createSignal<ReadonlySet<string>>(new Set());
  const [doomed, setDoomed] = createSignal<RecordingEntry | null>(null);
  const [exported, setExported] = createSignal<RecordingEntry | null>(null);
  const menu = createUniqueId();
  let formats!: HTMLDivElement;
  /** The browser opens the menu itself; it only has to be told where. */
  const placeExport = (entry: RecordingEntry, button: HTMLElement) => {
    setExported(entry);
    const { right, bottom } = button.getBoundingClientRect();
    formats.style.left = `${Math.max(8, Math.min(right, innerWidth - 8) - Math.min(EXPORT_WIDTH, innerWidth - 16))}px`;
    formats.style.top = `${Math.max(8, Math.min(bottom + 4, innerHeight - EXPORT_HEIGHT))}px`;
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  onCleanup(() => clearTimeout(timer));
  const search = (value: string, pause: number) => {
    setText(value);
    clearTimeout(timer);
    timer = setTimeout(() => history.search(value), pause);
  };
  const live = useLive();
  /** What this server watches is not written down; a server that shows a recording has nothing to write. */
  const isOff = () => {
    live.state();
    return history.list()?.recording === false && live.replica.cluster?.engine !== 'recording';
  };
  const recordings = () => history.list()?.recordings ?? [];
  const byId = createMemo(() => new Map(recordings().map((entry) => [entry.id, entry])));
  const ids = createMemo(() => recordings().map(({ id }) => id));
  const numbers = () => {
    const list = history.list();
    if (list?.folder == null) return '';
    const found = list.total === recordings().length ? '' : `${formatCount(recordings().length)} of `;
    return `${found}${plural(list.total, 'recording')} · ${formatBytes(list.nbytes)} in ${list.folder}`;
  };
  const fold = (id: string) =>
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const tools = (
    <input
      type="search"
      class="history-search"
      aria-label="Search in the history"
      placeholder="Function, address, worker, day…"
      value={text()}
      onInput={(event) => search(event.currentTarget.value, PAUSE)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') search(event.currentTarget.value, 0);
      }}
    />
  );
  return (
    <Panel title="History" class="history" numbers={numbers()} tools={tools}>
      <Show when={history.failure() !== ''}>
        <p class="failure" role="alert">
          {history.failure()}
        </p>
      </Show>
      <Show when={isOff() && recordings().length > 0}>
        <p class="off" role="note">
          <b>Recording is off.</b> {OFF} This is what its folder has from before.
        </p>
      </Show>
      <Show when={recordings().length > 0} fallback={<Nothing history={history} text={text()} off={isOff()} />}>
        <div class="scroller" tabindex="0">
          <table class="grid">
            <caption class="hidden-text">Recorded clusters, those that are live first</caption>
            <thead>
              <tr>
                <For each={COLUMNS}>
                  {(title) => (
                    <th scope="col" class={NUMBERS.has(title) ? 'number' : undefined}>
                      {title === '' ? <span class="hidden-text">What to do</span> : title}
                    </th>
                  )}
                </For>
              </tr>
            </thead>
            <For each={ids()}>
              {(id) => (
                <Show when={byId().get(id)}>
                  {(entry) => (
                    <RecordingRows
                      entry={entry()}
                      root={root}
                      open={open().has(id)}
                      onFold={() => fold(id)}
                      onPin={() => void history.change(id, entry().pinned ? 'unpin' : 'pin')}
                      onDelete={() => setDoomed(entry())}
                      menu={menu}
                      onExport={(button) => placeExport(entry(), button)}
                    />
                  )}
                </Show>
              )}
            </For>
          </table>
          <Show when={history.list()?.next}>
            <p class="more">
              <button type="button" class="button" onClick={() => history.more()}>
                Show more
              </button>
            </p>
          </Show>
        </div>
      </Show>
      <div id={menu} popover="auto" class="export-formats" ref={formats}>
        <nav aria-label="Export">
          <For each={EXPORT_FORMATS}>
            {([format, name, what]) => (
              <a
                href={`${root}${exported()?.pages ?? ''}api/v1/export?format=${format}`}
                download=""
                onClick={() => formats.hidePopover()}
              >
                <b>{name}</b> <span class="dim">{what}</span>
              </a>
            )}
          </For>
        </nav>
      </div>
      <Show when={doomed()} keyed>
        {(entry) => (
          <AskDelete
            entry={entry}
            onClose={(agreed) => {
              setDoomed(null);
              if (agreed) void history.change(entry.id, 'delete');
            }}
          />
        )}
      </Show>
    </Panel>
  );
}

/** What stands in place of the table. */
function Nothing(props: { readonly history: HistoryList; readonly text: string; readonly off: boolean }): JSX.Element {
  const list = () => props.history.list();
  return (
    <div class="note" role="note">
      <Switch>
        <Match when={list() === null}>
          <p>{props.history.failure() === '' ? 'Reading what was recorded…' : 'Trying again.'}</p>
        </Match>
        <Match when={list()?.folder === null}>
          <h2>Recording is off</h2>
          <p>
            {OFF} A command records unless it has <code>--no-record</code>; a program that starts a cluster asks for it
            with <code>{'dashboard: { record: {} }'}</code>.
          </p>
        </Match>
        <Match when={props.text.trim() !== ''}>
          <h2>Nothing matches</h2>
          <p>No recording has “{props.text.trim()}” in its address, id, version, day, functions or workers.</p>
        </Match>
        <Match when={props.off}>
          <h2>Recording is off</h2>
          <p>
            {OFF} Start it without <code>--no-record</code>. Older recordings would be listed here: {list()?.folder} has
            none.
          </p>
        </Match>
        <Match when={true}>
          <h2>Nothing was recorded yet</h2>
          <p>
            Each cluster that is watched is written down in {list()?.folder} and appears here, also when it is gone.
          </p>
        </Match>
      </Switch>
    </div>
  );
}

/** Deleting is for good, so it asks. */
function AskDelete(props: {
  readonly entry: RecordingEntry;
  readonly onClose: (agreed: boolean) => void;
}): JSX.Element {
  let dialog!: HTMLDialogElement;
  onMount(() => dialog.showModal());
  const { address, since, tasks, nbytes, pinned } = props.entry;
  return (
    <dialog
      ref={dialog}
      class="help ask"
      aria-labelledby="ask-delete"
      onClose={() => props.onClose(dialog.returnValue === 'delete')}
    >
      <h2 id="ask-delete">Delete this recording?</h2>
      <p>
        <span class="what">{address}</span>, {formatDay(since)}: {plural(tasks, 'task')}, {formatBytes(nbytes)}.
        {pinned ? ' It is pinned.' : ''} It cannot be brought back.
      </p>
      <form method="dialog">
        <button type="submit" class="button" value="keep" autofocus>
          Keep
        </button>
        <button type="submit" class="button danger" value="delete">
          Delete
        </button>
      </form>
    </dialog>
  );
}
