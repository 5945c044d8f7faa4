import { For, type JSX, Show } from 'solid-js';
import { createVisibleRows } from './visible-rows.ts';

export interface TwinColumn<T> {
  readonly title: string;
  readonly number?: boolean;
  readonly cell: (row: T) => string;
}

export interface TableTwinProps<T> {
  readonly caption: string;
  readonly columns: readonly TwinColumn<T>[];
  readonly rows: readonly T[];
}

const ROW_HEIGHT = 28;

/** A plain table of anything; `aria-rowcount` says how many rows there are, the document holds those near the viewport. */
export function TableTwin<T>(props: TableTwinProps<T>): JSX.Element {
  const visible = createVisibleRows(() => props.rows.length, ROW_HEIGHT);
  return (
    <div class="scroller" ref={visible.ref} tabindex="0" onScroll={visible.onScroll}>
      <table class="grid" aria-rowcount={props.rows.length + 1}>
        <caption class="hidden-text">{props.caption}</caption>
        <thead>
          <tr aria-rowindex="1">
            <For each={props.columns}>
              {(column) => (
                <th scope="col" class={column.number ? 'number' : undefined}>
                  {column.title}
                </th>
              )}
            </For>
          </tr>
        </thead>
        <tbody>
          <Spacer height={visible.before()} columns={props.columns.length} />
          <For each={visible.positions()}>
            {(position) => (
              <tr aria-rowindex={position + 2}>
                <For each={props.columns}>
                  {(column, i) => {
                    const text = () => {
                      const row = props.rows[position];
                      return row === undefined ? '' : column.cell(row);
                    };
                    return i() === 0 ? (
                      <th scope="row">{text()}</th>
                    ) : (
                      <td class={column.number ? 'number' : undefined}>{text()}</td>
                    );
                  }}
                </For>
              </tr>
            )}
          </For>
          <Spacer height={visible.after()} columns={props.columns.length} />
          <Show when={props.rows.length === 0}>
            <tr>
              <td colspan={props.columns.length}>Nothing yet.</td>
            </tr>
          </Show>
        </tbody>
      </table>
    </div>
  );
}

/** Stands in for the rows of a table that are not in the document. */
export function Spacer(props: { readonly height: number; readonly columns: number }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it holds no data, it is as high as rows left out
    <tr class="spacer" role="presentation" hidden={props.height <= 0}>
      <td colspan={props.columns} style={{ height: `${props.height}px` }} />
    </tr>
  );
}
