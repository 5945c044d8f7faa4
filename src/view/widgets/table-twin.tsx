import { createMemo, createSignal, For, type JSX, onCleanup, onMount } from 'solid-js';

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

const ROW = 28;
const AROUND = 12;

/**
 * A plain table of anything. Only rows near the viewport are in the document, so ten thousand cost as much as fifty;
 * `aria-rowcount` says how many there are.
 */
export function TableTwin<T>(props: TableTwinProps<T>): JSX.Element {
  const [top, setTop] = createSignal(0);
  const [height, setHeight] = createSignal(400);
  let scroller!: HTMLDivElement;
  onMount(() => {
    const observer = new ResizeObserver(() => setHeight(scroller.clientHeight));
    observer.observe(scroller);
    onCleanup(() => observer.disconnect());
  });
  const range = createMemo(
    () => {
      const first = Math.max(0, Math.floor(top() / ROW) - AROUND);
      const last = Math.min(props.rows.length, Math.ceil((top() + height()) / ROW) + AROUND);
      return { first: Math.min(first, last), last };
    },
    undefined,
    { equals: (a, b) => a.first === b.first && a.last === b.last },
  );
  // Positions, not rows: a row's cells follow what stands at its position.
  const positions = createMemo(() => {
    const { first, last } = range();
    return Array.from({ length: last - first }, (_, i) => first + i);
  });
  return (
    <div
      class="scroller"
      ref={scroller}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabindex="0"
      role="group"
      aria-label={props.caption}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
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
          <Spacer height={range().first * ROW} columns={props.columns.length} />
          <For each={positions()}>
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
          <Spacer height={(props.rows.length - range().last) * ROW} columns={props.columns.length} />
        </tbody>
      </table>
    </div>
  );
}

/** Stands in for the rows that are not in the document. */
export function Spacer(props: { readonly height: number; readonly columns: number }): JSX.Element {
  return (
    <tr class="spacer" aria-hidden="true" hidden={props.height <= 0}>
      <td colspan={props.columns} style={{ height: `${Math.max(0, props.height)}px` }} />
    </tr>
  );
}
