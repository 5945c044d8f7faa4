import { createMemo, For, type JSX, Show } from 'solid-js';
import { formatBytes, formatCount, formatDay, formatDuration, formatName, plural } from '../format.ts';
import type { RecordingEntry } from './history-list.ts';

export const COLUMNS = ['Cluster', 'Began', 'Lasted', 'Tasks', 'Erred', 'Functions', 'Workers', 'Size', ''] as const;
const SHOWN_FUNCTIONS = 3;

/** One recording, and its runs where they are unfolded. */
export function RecordingRows(props: {
  readonly entry: RecordingEntry;
  readonly root: string;
  readonly open: boolean;
  readonly onFold: () => void;
  readonly onPin: () => void;
  readonly onDelete: () => void;
  /** Id of the menu of exports. */
  readonly menu: string;
  readonly onExport: (button: HTMLElement) => void;
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
            popovertarget={props.menu}
            aria-label={`Export ${name()}`}
            title="Take it along as a file"
            onClick={(event) => props.onExport(event.currentTarget)}
          >
            Export
          </button>
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
