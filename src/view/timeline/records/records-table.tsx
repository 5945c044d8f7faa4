import { createEffect, createSignal, For, type JSX, on, onCleanup, Show } from 'solid-js';
import type { RecordView } from '../../../model/batch.ts';
import { formatBytes, formatClock, formatCount, formatDuration, formatName } from '../../format.ts';
import type { Live } from '../../live-store.ts';
import type { ListOrder } from '../../search/tasks-state.ts';
import type { Records, RecordsPage, RecordsQuery } from './records.ts';

export interface RecordsTableProps {
  readonly live: Live;
  readonly records: Records;
  readonly caption: string;
  /** What is on screen, epoch seconds; null: the last tasks, as they come. */
  readonly range: { readonly since: number; readonly until: number } | null;
  /** Parameters of the API that narrow the list. */
  readonly narrowed: readonly (readonly [name: string, value: string])[];
  /** Which come first; null: as they came. Absent where that cannot be chosen. */
  readonly list?: ListOrder | null;
  readonly onList?: (list: ListOrder | null) => void;
  readonly onShow: (record: RecordView) => void;
}

const MOST_ROWS = 200;
/** A table that changes faster than this cannot be read, ms. */
const EVERY = 1_000;
/** Room for records that are stored and not counted as finished. */
const SPARE = 200;

/** The stream as a table: the last tasks, or those in view, at most 200; or the erred ones alone. */
export function RecordsTable(props: RecordsTableProps): JSX.Element {
  const [erred, setErred] = createSignal(false);
  const [page, setPage] = createSignal<RecordsPage | null>(null);
  const [failed, setFailed] = createSignal(false);
  let reading: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let last = Number.NEGATIVE_INFINITY;

  const read = async (): Promise<void> => {
    last = performance.now();
    reading?.abort();
    const own = new AbortController();
    reading = own;
    const answer = await props.records.page(queryOf(erred(), props), own.signal);
    if (own.signal.aborted) return;
    setFailed(answer === null);
    if (answer !== null) setPage(answer);
  };
  const soon = (): void => {
    if (timer !== null) return;
    timer = setTimeout(
      () => {
        timer = null;
        void read();
      },
      Math.max(60, last + EVERY - performance.now()),
    );
  };
  createEffect(on([() => props.live.state(), () => props.range?.since, () => props.range?.until], soon));
  createEffect(on([erred, () => props.list, () => JSON.stringify(props.narrowed)], () => void read()));
  onCleanup(() => {
    reading?.abort();
    if (timer !== null) clearTimeout(timer);
  });
  const rows = () => {
    const tasks = page()?.tasks ?? [];
    if (props.list != null) return tasks;
    if (props.range === null && !erred() && props.narrowed.length > 0) return tasks;
    return props.range === null || erred() ? tasks.slice(-MOST_ROWS).reverse() : tasks.slice(0, MOST_ROWS);
  };
  return (
    <div class="records">
      <div class="records-bar">
        <label>
          <input type="checkbox" checked={erred()} onChange={(event) => setErred(event.currentTarget.checked)} /> Erred
          only
        </label>
        <span class="dim" role="status">
          {failed() ? 'The server does not answer.' : `${formatCount(rows().length)} shown`}
        </span>
      </div>
      <section class="scroller" tabindex="0" aria-label={props.caption}>
        <table class="grid">
          <caption class="hidden-text">{props.caption}</caption>
          <thead>
            <tr>
              <For each={HEADINGS}>
                {([heading, order, number]) => (
                  <th
                    scope="col"
                    classList={{ number: number === true }}
                    aria-sort={order !== null && props.list === order ? 'descending' : undefined}
                  >
                    <Show when={props.onList !== undefined && order} fallback={heading}>
                      {(order) => (
                        <button
                          type="button"
                          class="sort"
                          title={`The ${order()} first`}
                          onClick={() => props.onList?.(props.list === order() ? null : order())}
                        >
                          {heading}
                        </button>
                      )}
                    </Show>
                  </th>
                )}
              </For>
            </tr>
          </thead>
          <tbody>
            <For each={rows()}>
              {(record) => (
                <tr data-record={record.record} data-status={record.status}>
                  <th scope="row">
                    <button type="button" class="tool show" onClick={() => props.onShow(record)}>
                      {formatName(record.name)}
                    </button>
                  </th>
                  <td>{record.status}</td>
                  <td class="number">{record.stop === null ? '' : formatDuration(record.stop - record.start)}</td>
                  <td class="number">{record.nbytes < 0 ? '' : formatBytes(record.nbytes)}</td>
                  <td>{record.worker_name === '' ? record.worker : record.worker_name}</td>
                  <td class="number">{record.slot}</td>
                  <td>{formatClock(record.start, 3)}</td>
                  <td class="error">
                    <Show when={record.exception}>{(text) => <span title={record.traceback}>{text()}</span>}</Show>
                  </td>
                  <td class="mono">{record.key}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
        <Show when={rows().length === 0 && page() !== null}>
          <p class="note">{erred() ? 'No task erred.' : 'No finished task here.'}</p>
        </Show>
      </section>
    </div>
  );
}

/** What each can have first. */
const HEADINGS: readonly (readonly [heading: string, order: ListOrder | null, number?: true])[] = [
  ['Function', null],
  ['Status', null],
  ['Duration', 'slowest', true],
  ['Bytes', 'largest', true],
  ['Worker', null],
  ['Thread', null, true],
  ['Start', 'newest'],
  ['Error', null],
  ['Key', null],
];

function queryOf(erred: boolean, { list, live, narrowed, range }: RecordsTableProps): RecordsQuery {
  // An error is looked for wherever it is.
  const wanted = erred
    ? { narrowed: [...narrowed.filter(([name]) => name !== 'status'), ['status', 'erred'] as const] }
    : { ...range, narrowed };
  if (list != null) return { ...wanted, order: list, limit: MOST_ROWS };
  if (erred) return { ...wanted, limit: 1_000 };
  if (range !== null) return { ...range, narrowed, limit: MOST_ROWS };
  if (narrowed.length > 0) return { narrowed, order: 'newest', limit: MOST_ROWS };
  const after = (live.replica.totals?.records ?? 0) - MOST_ROWS - 1;
  // After those of a playhead come others.
  const spare = live.replica.playhead === null ? SPARE : 1;
  return after >= 0 ? { after, limit: MOST_ROWS + spare } : { limit: MOST_ROWS + SPARE };
}
