import './memory-use.css';
import { createMemo, For, type JSX, onCleanup, Show } from 'solid-js';
import { naturalOrder } from '../../base/natural-order.ts';
import { STATE_INDEX } from '../../model/task-state.ts';
import type { FunctionRow } from '../../store/replica.ts';
import { functionClass } from '../colors.ts';
import { formatBytes, formatCount, formatName, plural } from '../format.ts';
import { useLive } from '../live-store.ts';
import { Panel } from '../widgets/panel.tsx';
import { TableTwin, type TwinColumn } from '../widgets/table-twin.tsx';
import { sharedTooltip } from '../widgets/tooltip.ts';
import { createVisibleRows } from '../widgets/visible-rows.ts';

const ROW_HEIGHT = 22;

/** Bytes that the results of each function take up right now, by name. What was released is not counted. */
export function MemoryUse(): JSX.Element {
  const live = useLive();
  // Sorting names is dear and they seldom change; which of them hold bytes changes all the time.
  const sorted = createMemo(() => {
    live.state();
    return live.replica.functionCount;
  });
  const order = createMemo(() => {
    const { names } = live.replica;
    return Array.from({ length: sorted() }, (_, fn) => fn).sort((a, b) => naturalOrder(names[a] ?? '', names[b] ?? ''));
  });
  const rows = createMemo(() => {
    live.state();
    return order()
      .map((fn) => live.replica.functionRow(fn))
      .filter((row) => row.nbytes > 0);
  });
  const total = () => rows().reduce((sum, row) => sum + row.nbytes, 0);
  const results = () => rows().reduce((sum, row) => sum + resultsOf(row), 0);
  const largest = createMemo(() => rows().reduce((most, row) => Math.max(most, row.nbytes), 1));
  const visible = createVisibleRows(() => rows().length, ROW_HEIGHT);
  onCleanup(() => sharedTooltip().hide());
  return (
    <Panel
      title="Memory use"
      class="memory-use"
      numbers={
        <span data-nbytes={total()} data-results={results()}>
          {formatBytes(total())} in {plural(results(), 'result')}
        </span>
      }
      table={() => <TableTwin caption="Bytes in memory by function" columns={COLUMNS} rows={rows()} />}
    >
      <Show when={rows().length === 0}>
        <p class="note">No results are in memory.</p>
      </Show>
      <div class="scroller" ref={visible.ref} onScroll={visible.onScroll} tabindex={rows().length > 0 ? 0 : undefined}>
        <ul style={{ 'padding-top': `${visible.before()}px`, 'padding-bottom': `${visible.after()}px` }}>
          <For each={visible.positions()}>
            {(position) => (
              <Show when={rows()[position]}>
                {(row) => (
                  <li
                    class={`row ${functionClass(row().fn)}`}
                    data-function={row().name}
                    data-nbytes={row().nbytes}
                    onMouseMove={(event) => sharedTooltip().show(event.clientX, event.clientY, tooltipOf(row()))}
                    onMouseLeave={() => sharedTooltip().hide()}
                  >
                    <span class="cut">{formatName(row().name)}</span>
                    <span aria-hidden="true">
                      <i style={{ transform: `scaleX(${Math.max(0.004, row().nbytes / largest())})` }} />
                    </span>
                    <span class="bytes">{formatBytes(row().nbytes)}</span>
                  </li>
                )}
              </Show>
            )}
          </For>
        </ul>
      </div>
    </Panel>
  );
}

function resultsOf(row: FunctionRow): number {
  return row.states[STATE_INDEX.memory]!;
}

function tooltipOf(row: FunctionRow) {
  return {
    title: formatName(row.name),
    swatch: functionClass(row.fn),
    facts: [
      ['in memory', `${formatBytes(row.nbytes)} (${formatCount(row.nbytes)} B)`],
      ['results', formatCount(resultsOf(row))],
    ] as const,
  };
}

const COLUMNS: readonly TwinColumn<FunctionRow>[] = [
  { title: 'Function', cell: (row) => formatName(row.name) },
  { title: 'Results', number: true, cell: (row) => formatCount(resultsOf(row)) },
  { title: 'Memory', number: true, cell: (row) => formatBytes(row.nbytes) },
  { title: 'Bytes', number: true, cell: (row) => formatCount(row.nbytes) },
];
