import { DEFAULT_ROWS, type Grouping, type RowOptions, type RowOrder } from './row-model.ts';

/** What an address says of rows; which workers are shown is the business of the page's filter. */
export type RowsChoice = Omit<RowOptions, 'workers'>;

const GROUPINGS: readonly Grouping[] = ['none', 'worker', 'host'];
const ORDERS: readonly RowOrder[] = ['worker', 'name', 'busy', 'last'];
const MOST = 100;
const LONGEST = 1_000;

export function readRows(query: URLSearchParams): RowsChoice {
  const keys = (name: string): string[] => {
    const values = query.getAll(name).filter((value) => value !== '' && value.length <= LONGEST);
    return [...new Set(values)].slice(0, MOST);
  };
  const fold = query.get('fold');
  return {
    group: GROUPINGS.find((one) => one === query.get('group')) ?? DEFAULT_ROWS.group,
    order: ORDERS.find((one) => one === query.get('order')) ?? DEFAULT_ROWS.order,
    text: (query.get('rows') ?? '').slice(0, LONGEST),
    folded: fold === '1' ? true : fold === '0' ? false : DEFAULT_ROWS.folded,
    toggled: keys('toggled'),
    pinned: keys('pinned'),
  };
}

/** Only what is not as it is by itself. */
export function writeRows(query: URLSearchParams, { folded, group, order, pinned, text, toggled }: RowsChoice): void {
  const set = (name: string, values: readonly string[]): void => {
    query.delete(name);
    for (const value of values.slice(0, MOST)) query.append(name, value);
  };
  set('group', group === null ? [] : [group]);
  set('order', order === DEFAULT_ROWS.order ? [] : [order]);
  set('rows', text.trim() === '' ? [] : [text]);
  set('fold', folded === null ? [] : [folded ? '1' : '0']);
  set('toggled', toggled);
  set('pinned', pinned);
}

export function rowsChoice({ folded, group, order, pinned, text, toggled }: RowOptions): RowsChoice {
  return { group, order, text, folded, toggled, pinned };
}

export function sameRows(a: RowsChoice, b: RowsChoice): boolean {
  const text = (rows: RowsChoice): string => {
    const query = new URLSearchParams();
    writeRows(query, rows);
    return query.toString();
  };
  return text(a) === text(b);
}
