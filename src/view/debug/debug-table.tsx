import { createMemo, createSignal, createUniqueId, For, type JSX, Show } from 'solid-js';
import type { DebugUnit, DebugValue, DebugTable as Table } from '../../model/debug.ts';
import { formatCount, plural } from '../format.ts';
import { Spacer } from '../widgets/table-twin.tsx';
import { createVisibleRows } from '../widgets/visible-rows.ts';
import { firstLine, formatValue, isNumeric, nextSorting, type Sorting, sortRows } from './values.ts';

type Row = readonly DebugValue[];

const ROW_HEIGHT = 28;
const MOST_HEIGHT = 340;
/** Rows and characters that decide how wide a column is. */
const MEASURED = 100;
const MOST_CHARACTERS = 64;
/** Px, of proportional digits and letters, which are wider than most, and of the others. */
const CHARACTER = 7.6;
const MONO_CHARACTER = 7;
/** A table wider than this has a line of the page for itself, px. */
const WIDE = 560;

/**
 * A table of anything: sortable, of bounded height, first line of each value; the whole row opens under the table. Columns
 * and height only ever grow, so that nothing jumps while the numbers do.
 */
export function DebugTable(props: { readonly table: Table; readonly now: number }): JSX.Element {
  const [sorting, setSorting] = createSignal<Sorting | null>(null);
  const [picked, setPicked] = createSignal<Row | null>(null);
  const id = createUniqueId();
  let scroller: HTMLElement | undefined;
  const rows = createMemo(() => sortRows(props.table.rows, sorting()));
  const visible = createVisibleRows(() => rows().length, ROW_HEIGHT);
  const text = (value: DebugValue, unit: DebugUnit) => formatValue(value, unit, props.now);

  const widths = createMemo((before: readonly number[]) => {
    const { columns } = props.table;
    const sample = props.table.rows.slice(0, MEASURED);
    return columns.map(({ name, unit }, i) => {
      const longest = sample.reduce((most, row) => Math.max(most, firstLine(text(row[i] ?? null, unit)).length), 0);
      const characters = Math.min(MOST_CHARACTERS, Math.max(longest, name.length + 2, 5));
      return Math.max(
        before.length === columns.length ? before[i]! : 0,
        Math.ceil(characters * (unit === 'key' ? MONO_CHARACTER : CHARACTER)) + 22,
      );
    });
  }, []);
  const height = createMemo(
    (before: number) => Math.max(before, Math.min(MOST_HEIGHT, (props.table.rows.length + 1) * ROW_HEIGHT + 14)),
    0,
  );
  const count = () => {
    const { rows: shown, total } = props.table;
    return shown.length < total ? `first ${formatCount(shown.length)} of ${formatCount(total)}` : plural(total, 'row');
  };
  /** Where the row that was picked stands now; rows have no names, so what it says in words decides. */
  const place = createMemo(() => {
    const row = picked();
    if (row === null) return -1;
    const same = identityOf(row, props.table);
    return rows().findIndex((other) => identityOf(other, props.table) === same);
  });
  const step = (by: number) => {
    const next = Math.min(rows().length - 1, Math.max(0, place() + by));
    const row = rows()[next];
    if (row === undefined || scroller === undefined) return;
    setPicked(row);
    const [top, bottom] = [next * ROW_HEIGHT, (next + 2) * ROW_HEIGHT];
    if (scroller.scrollTop > top) scroller.scrollTop = top;
    else if (scroller.scrollTop < bottom - scroller.clientHeight) scroller.scrollTop = bottom - scroller.clientHeight;
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') step(event.key === 'ArrowDown' ? 1 : -1);
    else if (event.key === 'Escape' && picked() !== null) setPicked(null);
    else return;
    event.preventDefault();
  };
  return (
    <div class="debug-table" data-wide={widths().reduce((sum, width) => sum + width, 0) > WIDE}>
      <h3 id={id}>
        {props.table.title} <span class="dim">{count()}</span>
      </h3>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is no frame for a table */}
      <div
        class="scroller"
        role="group"
        aria-labelledby={id}
        aria-description="Up and down show a row in full, Escape closes it."
        tabindex="0"
        ref={(element) => {
          scroller = element;
          visible.ref(element);
        }}
        onScroll={visible.onScroll}
        onKeyDown={onKey}
        style={{ height: `${height()}px` }}
      >
        <Show
          when={props.table.rows.length > 0}
          fallback={<p class="empty">{props.table.total > 0 ? 'None of them is shown.' : 'None.'}</p>}
        >
          <table
            class="grid"
            aria-rowcount={rows().length + 1}
            style={{ 'min-width': `${widths().reduce((sum, width) => sum + width, 0)}px` }}
          >
            <caption class="hidden-text">{props.table.title}</caption>
            <colgroup>
              <For each={widths()}>{(width) => <col style={{ width: `${width}px` }} />}</For>
            </colgroup>
            <thead>
              <tr aria-rowindex="1">
                <For each={props.table.columns.map(({ name }) => name)}>
                  {(name, i) => (
                    <th
                      scope="col"
                      classList={{ number: isNumeric(unitAt(props.table, i())) }}
                      aria-sort={sortOf(sorting(), i())}
                    >
                      <button
                        type="button"
                        class="sort cut"
                        title={name}
                        onClick={() => setSorting((before) => nextSorting(before, i(), unitAt(props.table, i())))}
                      >
                        {name}
                      </button>
                    </th>
                  )}
                </For>
              </tr>
            </thead>
            <tbody>
              <Spacer height={visible.before()} columns={props.table.columns.length} />
              <For each={visible.positions()}>
                {(position) => (
                  <tr
                    aria-rowindex={position + 2}
                    data-picked={place() === position}
                    onClick={() => setPicked(place() === position ? null : (rows()[position] ?? null))}
                  >
                    <For each={props.table.columns.map((_, i) => i)}>
                      {(i) => {
                        const cell = () => text(rows()[position]?.[i] ?? null, unitAt(props.table, i));
                        return (
                          <td class={classOf(props.table, i)} title={cell().length > 20 ? cell() : undefined}>
                            {firstLine(cell())}
                          </td>
                        );
                      }}
                    </For>
                  </tr>
                )}
              </For>
              <Spacer height={visible.after()} columns={props.table.columns.length} />
            </tbody>
          </table>
        </Show>
      </div>
      <Show when={picked()}>
        {(row) => (
          // biome-ignore lint/a11y/useSemanticElements: it is no form
          <div class="row-details" role="group" aria-label={`Row of ${props.table.title}`}>
            <button type="button" class="tool" onClick={() => setPicked(null)}>
              Close
            </button>
            <dl aria-live="polite">
              <For each={props.table.columns.map((_, i) => i)}>
                {(i) => (
                  <>
                    <dt>{props.table.columns[i]?.name}</dt>
                    <dd classList={{ mono: unitAt(props.table, i) === 'key' }}>
                      {text(row()[i] ?? null, unitAt(props.table, i))}
                    </dd>
                  </>
                )}
              </For>
            </dl>
          </div>
        )}
      </Show>
    </div>
  );
}

function unitAt(table: Table, column: number): DebugUnit {
  return table.columns[column]?.unit ?? 'text';
}

function classOf(table: Table, column: number): string | undefined {
  const unit = unitAt(table, column);
  if (isNumeric(unit)) return 'number cut';
  return unit === 'key' ? 'mono cut' : 'cut';
}

function sortOf(sorting: Sorting | null, column: number): 'none' | 'ascending' | 'descending' {
  if (sorting?.column !== column) return 'none';
  return sorting.descending ? 'descending' : 'ascending';
}

function identityOf(row: Row, { columns }: Table): string {
  const words = row.filter((_, i) => !isNumeric(columns[i]?.unit ?? 'text'));
  return JSON.stringify(words.length > 0 ? words : row);
}
