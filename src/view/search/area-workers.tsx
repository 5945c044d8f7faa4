import { createMemo, For, type JSX } from 'solid-js';
import { formatCount, formatPercent } from '../format.ts';
import { createTableSort, SortHead } from '../widgets/sort-head.tsx';

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
  const sort = createTableSort<Share>('idle', false);
  const rows = createMemo(() => {
    const by = sort.by();
    const down = sort.down();
    return [...props.workers].sort((a, b) => (b[by] - a[by]) * (down ? 1 : -1) || (a.address < b.address ? -1 : 1));
  });
  return (
    <table class="grid">
      <thead>
        <tr>
          <th scope="col">Worker</th>
          <For each={COLUMNS}>{([share, title]) => <SortHead column={share} title={title} number sort={sort} />}</For>
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
