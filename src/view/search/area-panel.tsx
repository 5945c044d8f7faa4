import './search.css';
import { createEffect, createMemo, createSignal, For, type JSX, on, onCleanup, Show } from 'solid-js';
import { functionClass } from '../colors.ts';
import { formatBytes, formatCount, formatDuration, formatName, formatPercent, plural, UNKNOWN } from '../format.ts';
import { useLive } from '../live-store.ts';
import { Choice } from '../widgets/choice.tsx';
import { Panel } from '../widgets/panel.tsx';
import { createTableSort, SortHead } from '../widgets/sort-head.tsx';
import { type AreaWorker, AreaWorkers } from './area-workers.tsx';
import { askApi } from './ask-api.ts';
import { type AreaBy, type AreaChoice, secondsText } from './tasks-state.ts';

export interface AreaPanelProps {
  readonly area: AreaChoice;
  /** What tasks are narrowed by, as parameters of the API. */
  readonly narrowed: readonly (readonly [name: string, value: string])[];
  readonly highlight: string | null;
  readonly onHighlight: (name: string | null) => void;
  /** What the table is by. */
  readonly by: AreaBy;
  readonly onBy: (by: AreaBy) => void;
  readonly onZoom: () => void;
  readonly onClose: () => void;
}

interface AreaFunction {
  readonly name: string;
  readonly color: { readonly index: number };
  readonly count: number;
  readonly erred: number;
  readonly total: number;
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly max: number | null;
  readonly nbytes: number;
  readonly share: number;
  readonly transfer_share: number;
  readonly disk_share: number;
}

const SHARES = ['compute', 'transfer', 'disk', 'deserialize', 'erred', 'lost', 'idle'] as const;

interface AreaAnswer {
  readonly tracks: number;
  readonly wall: number;
  readonly total: number;
  readonly shares: Readonly<Record<(typeof SHARES)[number], number>>;
  readonly functions: readonly AreaFunction[];
  readonly workers?: readonly AreaWorker[];
}

const BY: readonly (readonly [AreaBy, string])[] = [
  ['function', 'By function'],
  ['worker', 'By worker'],
];

type Figure = 'count' | 'total' | 'mean' | 'p50' | 'p95' | 'max' | 'nbytes' | 'transfer_share' | 'disk_share' | 'share';
const percent = (share: number): string => formatPercent(share * 100);
/** The shares of transfers and disk are of what was spent for a function's tasks; the last one is of the area. */
const COLUMNS: readonly (readonly [Figure, string, (value: number) => string, title?: string])[] = [
  ['count', 'Count', formatCount],
  ['total', 'Total', formatDuration],
  ['mean', 'Mean', formatDuration],
  ['p50', 'p50', formatDuration],
  ['p95', 'p95', formatDuration],
  ['max', 'Max', formatDuration],
  ['nbytes', 'Bytes', formatBytes],
  ['transfer_share', 'Transfer', percent, 'Of the time for its tasks'],
  ['disk_share', 'Disk', percent, 'Of the time for its tasks'],
  ['share', 'Share', percent, 'Of the area'],
];
/** Functions that are listed. */
const MOST = 500;
/** An area that reaches into the present is asked for anew this often, ms; one that moves as often. */
const EVERY = 1_000;
const SETTLE = 120;

/** What happened in the selected area, by function and in all. */
export function AreaPanel(props: AreaPanelProps): JSX.Element {
  const live = useLive();
  const [answer, setAnswer] = createSignal<AreaAnswer | null>(null);
  const [problem, setProblem] = createSignal<string | null>(null);
  const sort = createTableSort<Figure | 'name'>('total', true, 'name');
  let asking: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let last = Number.NEGATIVE_INFINITY;
  const ask = async (): Promise<void> => {
    timer = null;
    last = performance.now();
    asking?.abort();
    const own = new AbortController();
    asking = own;
    const { since, until, tracks } = props.area;
    try {
      const found = await askApi<AreaAnswer>(
        'area',
        [
          ['since', secondsText(since)],
          ['until', secondsText(until)],
          ['limit', String(MOST)],
          ['by', props.by],
          ...(tracks === null ? [] : [['tracks', tracks] as const]),
          ...props.narrowed,
        ],
        own.signal,
      );
      if (own.signal.aborted) return;
      setProblem(typeof found === 'string' ? found : null);
      if (typeof found !== 'string') setAnswer(found);
    } catch {
      // Another area was chosen meanwhile.
    }
  };
  const soon = (rest: number): void => {
    timer ??= setTimeout(() => void ask(), rest);
  };
  createEffect(
    on(
      () => JSON.stringify([props.area, props.by, props.narrowed]),
      () => soon(SETTLE),
    ),
  );
  createEffect(
    on(live.state, () => {
      // What ended before the area did may still be reported a little later.
      if (live.replica.clock() < props.area.until + 5) soon(Math.max(SETTLE, last + EVERY - performance.now()));
    }),
  );
  onCleanup(() => {
    asking?.abort();
    if (timer !== null) clearTimeout(timer);
  });
  const rows = createMemo(() => {
    const by = sort.by();
    const down = sort.down();
    const list = [...(answer()?.functions ?? [])];
    const value = (row: AreaFunction): number => (by === 'name' ? 0 : (row[by] ?? -1));
    const names = (a: AreaFunction, b: AreaFunction): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
    list.sort(
      (a, b) =>
        (by === 'name' ? names(a, b) * (down ? -1 : 1) : (value(b) - value(a)) * (down ? 1 : -1)) || names(a, b),
    );
    return list;
  });
  const numbers = (): string => {
    const found = answer();
    const wide = formatDuration(props.area.until - props.area.since);
    if (found === null) return wide;
    const tasks = found.functions.reduce((sum, { count }) => sum + count, 0);
    const which = props.narrowed.length > 0 ? ' that match' : '';
    return `${plural(found.tracks, 'row')} × ${wide} · ${plural(tasks, 'task')}${which} · ${plural(found.total, 'function')}`;
  };
  return (
    <Panel
      title="Area"
      class="area"
      numbers={numbers()}
      tools={
        <>
          <Choice label="The table is" options={BY} value={props.by} onChoose={(by) => props.onBy(by)} />
          <button
            type="button"
            class="tool"
            title="Shows the area as wide as the stream"
            onClick={() => props.onZoom()}
          >
            Zoom to it
          </button>
          <button
            type="button"
            class="tool"
            aria-label="Clear the area"
            title="Clear the area (Esc)"
            onClick={() => props.onClose()}
          >
            ✕
          </button>
        </>
      }
    >
      <Show when={problem()}>{(text) => <p class="note">{text()}</p>}</Show>
      <Show when={answer()}>
        {(found) => (
          <div class="area-body">
            <ul class="area-shares" aria-label="What filled the area">
              <For each={SHARES.filter((kind) => kind === 'compute' || kind === 'idle' || found().shares[kind] > 0)}>
                {(kind) => (
                  <li data-kind={kind} style={{ '--share': String(Math.min(1, found().shares[kind])) }}>
                    <b>{formatPercent(found().shares[kind] * 100)}</b> {kind}
                  </li>
                )}
              </For>
            </ul>
            <section
              class="scroller"
              tabindex="0"
              aria-label={`${props.by === 'worker' ? 'Workers' : 'Functions'} in the area`}
            >
              <Show when={props.by === 'function'} fallback={<AreaWorkers workers={found().workers ?? []} />}>
                <table class="grid">
                  <thead>
                    <tr>
                      <SortHead column="name" title="Function" sort={sort} />
                      <For each={COLUMNS}>
                        {([figure, title, , about]) => (
                          <SortHead column={figure} title={title} about={about} number sort={sort} />
                        )}
                      </For>
                    </tr>
                  </thead>
                  <tbody>
                    <For each={rows()}>
                      {(row) => (
                        <tr
                          data-name={row.name}
                          classList={{ chosen: props.highlight === row.name }}
                          onClick={() => props.onHighlight(props.highlight === row.name ? null : row.name)}
                        >
                          <th scope="row">
                            <button
                              type="button"
                              class="tool show"
                              aria-pressed={props.highlight === row.name}
                              title="Highlight it in the stream"
                            >
                              <i class={`swatch ${functionClass(row.color.index)}`} />
                              {formatName(row.name)}
                            </button>
                            <Show when={row.erred > 0}>
                              <span class="erred-count">{formatCount(row.erred)} erred</span>
                            </Show>
                          </th>
                          <For each={COLUMNS}>
                            {([figure, , format]) => {
                              const value = row[figure];
                              return <td class="number">{value === null ? UNKNOWN : format(value)}</td>;
                            }}
                          </For>
                        </tr>
                      )}
                    </For>
                  </tbody>
                </table>
              </Show>
              <Show when={rows().length === 0}>
                <p class="note">No task ran here.</p>
              </Show>
            </section>
          </div>
        )}
      </Show>
    </Panel>
  );
}
