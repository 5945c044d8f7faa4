import { type Accessor, createMemo, createSignal, onCleanup, onMount } from 'solid-js';

/** Rows kept above and below what is seen, so that a quick scroll shows no hole. */
const AROUND = 12;

export interface VisibleRows {
  /** Give it to the element that scrolls. */
  readonly ref: (element: HTMLElement) => void;
  readonly onScroll: (event: { readonly currentTarget: HTMLElement }) => void;
  /** Positions of the rows that belong in the document. */
  readonly positions: Accessor<readonly number[]>;
  /** Heights that stand in for the rows before and after them, px. */
  readonly before: Accessor<number>;
  readonly after: Accessor<number>;
}

/** Keeps of `count` rows of one height those in the document that are near the viewport: ten thousand cost as much as fifty. */
export function createVisibleRows(count: Accessor<number>, rowHeight: number): VisibleRows {
  const [top, setTop] = createSignal(0);
  const [height, setHeight] = createSignal(600);
  let element: HTMLElement | undefined;
  onMount(() => {
    if (element === undefined) return;
    const { clientHeight } = element;
    if (clientHeight > 0) setHeight(clientHeight);
    const observer = new ResizeObserver(([entry]) => setHeight(entry?.contentRect.height ?? 600));
    observer.observe(element);
    onCleanup(() => observer.disconnect());
  });
  const range = createMemo(() => visibleRange(top(), height(), rowHeight, count()), undefined, {
    equals: (a, b) => a.first === b.first && a.last === b.last,
  });
  return {
    ref: (made) => {
      element = made;
    },
    onScroll: (event) => setTop(event.currentTarget.scrollTop),
    positions: createMemo(() => {
      const { first, last } = range();
      return Array.from({ length: last - first }, (_, i) => first + i);
    }),
    before: () => range().first * rowHeight,
    after: () => Math.max(0, count() - range().last) * rowHeight,
  };
}

export function visibleRange(
  top: number,
  height: number,
  rowHeight: number,
  count: number,
): { first: number; last: number } {
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + AROUND);
  const first = Math.min(last, Math.max(0, Math.floor(top / rowHeight) - AROUND));
  return { first, last };
}
