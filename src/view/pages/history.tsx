import './history.css';
import { createMemo, createSignal, For, type JSX, Match, onCleanup, onMount, Show, Switch } from 'solid-js';
import type { Place } from '../address.ts';
import { formatBytes, formatCount, formatDay, formatDuration, formatName, plural } from '../format.ts';
import { Panel } from '../widgets/panel.tsx';
import { createHistoryList, type HistoryList, type RecordingEntry } from './history-list.ts';

const COLUMNS = ['Cluster', 'Began', 'Lasted', 'Tasks', 'Erred', 'Functions', 'Workers', 'Size', ''] as const;
const NUMBERS: ReadonlySet<string> = new Set(['Lasted', 'Tasks', 'Erred', 'Workers', 'Size']);
const SHOWN_FUNCTIONS = 3;
/** A search begins when nothing was typed for so long, ms. */
const PAUSE = 200;

/** Everything that was recorded here, as long as it is kept. */
export function HistoryPage(props: { readonly place: Place }): JSX.Element {
  const { root } = props.place;
  const history = createHistoryList(root);
  const [text, setText] = createSignal('');
  const [open, setOpen] = createSignal<ReadonlySet<string>>(new Set());
  const [doomed, setDoomed] = createSignal<RecordingEntry | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  onCleanup(() => clearTimeout(timer));
  const search = (value: string, pause: number) => {
    setText(value);
    clearTimeout(timer);
    timer = setTimeout(() => history.search(value), pause);
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
      <Show when={recordings().length > 0} fallback={<Nothing history={history} text={text()} />}>
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
                    <Recording
                      entry={entry()}
                      root={root}
                      open={open().has(id)}
                      onFold={() => fold(id)}
                      onPin={() => void history.change(id, entry().pinned ? 'unpin' : 'pin')}
                      onDelete={() => setDoomed(entry())}
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

/** One recording, and its runs where they are unfolded. */
function Recording(props: {
  readonly entry: RecordingEntry;
  readonly root: string;
  readonly open: boolean;
  readonly onFold: () => void;
  readonly onPin: () => void;
  readonly onDelete: () => void;
}): JSX.Element {
  const entry = () => props.entry;
  const name = () => `${entry().address}, ${formatDay(entry().since)}`;
  const others = () => entry().functions_total - Math.min(SHOWN_FUNCTIONS, entry().functions.length);
  const watched = () => entry().live && !entry().pages.startsWith('recordings/');
  const runs = createMemo(() => (props.open ? [...entry().runs].reverse() : []));
  return (
    <tbody data-recording={entry().id} data-live={entry().live}>
      <tr>
        <th scope="row">
          <button type="button" class="fold" aria-expanded={props.open} onClick={() => props.onFold()}>
            <span class="cut">{entry().address}</span>
          </button>
          <Show when={entry().live}>
            <span class="mark live">{watched() ? 'live now' : 'being written'}</span>
          </Show>
          <Show when={entry().pinned}>
            <span class="mark">pinned</span>
          </Show>
          <Show when={entry().unreadable > 0}>
            <span class="mark bad" title="What cannot be read is not counted here; opened, it is a gap.">
              damaged
            </span>
          </Show>
          <span class="engine">
            {entry().engine} {entry().version}
          </span>
        </th>
        <td data-title="Began">{formatDay(entry().since)}</td>
        <td data-title="Lasted" class="number">
          {formatDuration(entry().duration)}
        </td>
        <td data-title="Tasks" class="number">
          {formatCount(entry().tasks)}
        </td>
        <td data-title="Erred" class="number" data-alarm={entry().erred > 0}>
          {formatCount(entry().erred)}
        </td>
        <td
          class="functions"
          title={entry()
            .functions.map((fn) => `${fn.name} ${formatCount(fn.tasks)}`)
            .join('\n')}
        >
          <For each={entry().functions.slice(0, SHOWN_FUNCTIONS)}>
            {(fn) => (
              <span class="function">
                <span class="cut">{formatName(fn.name)}</span> {formatCount(fn.tasks)}
              </span>
            )}
          </For>
          <Show when={others() > 0}>
            <span class="dim">+ {formatCount(others())}</span>
          </Show>
        </td>
        <td data-title="Workers" class="number">
          {formatCount(entry().workers)}
        </td>
        <td data-title="Size" class="number">
          {formatBytes(entry().nbytes)}
        </td>
        <td class="actions">
          <a
            class="button"
            href={`${props.root}${entry().pages}status`}
            aria-label={`${watched() ? 'Watch' : 'Open'} ${name()}`}
          >
            {watched() ? 'Watch' : 'Open'}
          </a>
          <button
            type="button"
            class="button"
            aria-label={`${entry().pinned ? 'Unpin' : 'Pin'} ${name()}`}
            title="Pinned recordings are never deleted by age, size or count"
            onClick={() => props.onPin()}
          >
            {entry().pinned ? 'Unpin' : 'Pin'}
          </button>
          <button
            type="button"
            class="button"
            disabled={entry().live}
            aria-label={`Delete ${name()}`}
            title={entry().live ? 'It is being written' : undefined}
            onClick={() => props.onDelete()}
          >
            Delete
          </button>
        </td>
      </tr>
      <Show when={props.open && entry().runs.length === 0}>
        <tr class="run">
          <td colspan={COLUMNS.length}>No task ran while this was recorded.</td>
        </tr>
      </Show>
      <For each={runs()}>
        {(run) => (
          <tr class="run">
            <th scope="row">
              <a
                href={`${props.root}${entry().pages}tasks?since=${Math.floor(run.start * 10) / 10}&until=${Math.ceil(run.stop * 10) / 10}`}
              >
                Run at {formatDay(run.start)}
              </a>
            </th>
            <td />
            <td data-title="Lasted" class="number">
              {formatDuration(run.stop - run.start)}
            </td>
            <td data-title="Tasks" class="number">
              {formatCount(run.tasks)}
            </td>
            <td data-title="Erred" class="number" data-alarm={run.erred > 0}>
              {formatCount(run.erred)}
            </td>
            <td colspan={4} />
          </tr>
        )}
      </For>
      <Show when={props.open && entry().runs_total > entry().runs.length}>
        <tr class="run">
          <td colspan={COLUMNS.length}>and {plural(entry().runs_total - entry().runs.length, 'earlier run')}</td>
        </tr>
      </Show>
    </tbody>
  );
}

/** What stands in place of the table. */
function Nothing(props: { readonly history: HistoryList; readonly text: string }): JSX.Element {
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
            This server was started without recordings, so nothing is kept when it ends. Start it without{' '}
            <code>--no-record</code>, or name the folder of older recordings with <code>--record-dir</code>.
          </p>
        </Match>
        <Match when={props.text.trim() !== ''}>
          <h2>Nothing matches</h2>
          <p>No recording has “{props.text.trim()}” in its address, id, version, day, functions or workers.</p>
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
