import { createSignal, type JSX } from 'solid-js';

/** By which column a table is sorted. */
export interface TableSort<By extends string> {
  readonly by: () => By;
  /** The greatest first. */
  readonly down: () => boolean;
  /** Sorts by a column, or by the one that it is sorted by the other way round. */
  choose(by: By): void;
}

/** `up`: the column, such as a name, of which the smallest comes first when it is chosen. */
export function createTableSort<By extends string>(by: By, down: boolean, up?: By): TableSort<By> {
  const [sort, setSort] = createSignal<{ readonly by: By; readonly down: boolean }>({ by, down });
  return {
    by: () => sort().by,
    down: () => sort().down,
    choose: (to) => setSort((before) => ({ by: to, down: before.by === to ? !before.down : to !== up })),
  };
}

/** The head of a column that its table can be sorted by. */
export function SortHead<By extends string>(props: {
  readonly column: By;
  readonly title: string;
  readonly about?: string | undefined;
  readonly number?: boolean;
  readonly sort: TableSort<By>;
}): JSX.Element {
  const sorted = (): 'ascending' | 'descending' | undefined => {
    if (props.sort.by() !== props.column) return undefined;
    return props.sort.down() ? 'descending' : 'ascending';
  };
  return (
    <th scope="col" class={props.number === true ? 'number' : undefined} aria-sort={sorted()}>
      <button type="button" class="sort" title={props.about} onClick={() => props.sort.choose(props.column)}>
        {props.title}
      </button>
    </th>
  );
}
