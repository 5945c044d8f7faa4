import { createMemo, createSignal, For, type JSX } from 'solid-js';
import { formatCount, formatPercent } from '../format.ts';

/** What a worker did in an area, as parts of the area's time on its rows. */
export interface AreaWorker {
  readonly name: string;
  readonly address: string;
  readonly tracks: number;
  readonly compute: number;
  readonly transfer: number;
  readonly disk: number;
  readonly erred: number;
  readonly idle: number;
}

type Share = 'tracks' | 'compute' | 'transfer' | 'disk' | 'erred' | 'idle';
const percent = (share: number): string => formatPercent(share * 100);
const COLUMNS: readonly (readonly [Share, string, (value: number) => string])[] = [
  ['tracks', 'Rows', formatCount],
  ['compute', 'Compute', percent],
  ['transfer', 'Transfer', percent],
  ['disk', 'Disk', percent],
  ['erred', 'Erred', percent],
  ['idle', 'Idle', percent],
];

/** How each worker of an area spent its time. */
export function AreaWorkers(props: { readonly workers: readonly AreaWorker[] }): JSX.Element {
  const [sort, setSort] = createSignal<{ by: Share; down: boolean }>({ by: 'idle', down: false });
  const rows = createMemo(() => {
    const { by, down } = sort();
    return [...props.workers].sort((a, b) => (b[by] - a[by]) * (down ? 1 : -1) || (a.address < b.address ? -1 : 1));
  });
  const sorted = (by: Share): 'ascending' | 'descending' | undefined => {
    if (sort().by !== by) return undefined;
    return sort().down ? 'descending' : 'ascending';
  };
  return (
    <table class="grid">
      <thead>
        <tr>
          <th scope="col">Worker</th>
          <For each={COLUMNS}>
            {([share, title]) => (
              <th scope="col" class="number" aria-sort={sorted(share)}>
                <button
                  type="button"
                  class="sort"
                  onClick={() => setSort((before) => ({ by: share, down: before.by === share ? !before.down : true }))}
                >
                  {title}
                </button>
              </th>
            )}
          </For>
        </tr>
      </thead>
      <tbody>
        <For each={rows()}>
          {(worker) => (
            <tr data-worker={worker.address}>
              <th scope="row" title={worker.address}>
                {worker.name === '' ? worker.address : worker.name}
              </th>
              <For each={COLUMNS}>{([share, , format]) => <td class="number">{format(worker[share])}</td>}</For>
            </tr>
          )}
        </For>
      </tbody>
    </table>
  );
}
