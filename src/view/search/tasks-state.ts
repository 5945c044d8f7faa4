import type { WindowFilter } from '../../model/batch.ts';
import type { RecordStatus } from '../../model/task-state.ts';
import { rangeOf } from '../address.ts';
import { type RowsChoice, readRows, writeRows } from '../rows/rows-address.ts';

/** Which tasks /tasks is about; empty lists and nulls: all. */
export interface TaskFilter {
  readonly functions: readonly string[];
  /** Names or addresses. */
  readonly workers: readonly string[];
  readonly status: RecordStatus | null;
  /** Seconds. */
  readonly least: number | null;
  readonly most: number | null;
  /** Part of a key, or a pattern that is found in it. */
  readonly key: string;
  readonly pattern: boolean;
}

export interface TimeRange {
  /** Epoch seconds. */
  readonly since: number;
  readonly until: number;
}

/** Rows times a range of time. */
export interface AreaChoice extends TimeRange {
  /** Numbers of tracks as the API takes them (`0-7,12`); null: all. */
  readonly tracks: string | null;
}

/** Everything that /tasks shows, as its address says it. */
export interface TasksState extends TaskFilter {
  /** Null: follows what happens. */
  readonly range: TimeRange | null;
  /** Functions whose name contains this alone. */
  readonly named: string;
  readonly search: string;
  readonly regex: boolean;
  /** The record whose details are open. */
  readonly task: number | null;
  readonly area: AreaChoice | null;
  /** What the table of the area is by. */
  readonly by: AreaBy;
  /** The function that is highlighted. */
  readonly mark: string | null;
  /** Which tasks the table has first; null: as they came. */
  readonly list: ListOrder | null;
  readonly rows: RowsChoice;
  /** The ruler counts from the start of the run. */
  readonly elapsed: boolean;
}

export const NO_FILTER: TaskFilter = {
  functions: [],
  workers: [],
  status: null,
  least: null,
  most: null,
  key: '',
  pattern: false,
};

export type AreaBy = 'function' | 'worker';

const LISTS = ['newest', 'slowest', 'largest'] as const;
/** What a table of tasks has first: as the API calls it. */
export type ListOrder = (typeof LISTS)[number];

const STATUSES: readonly RecordStatus[] = ['memory', 'erred', 'lost'];
/** So many of a kind, so long a text: what an address brings is somebody's input. */
const MOST = 100;
const LONGEST = 1_000;

export function readTasksState(search: string): TasksState {
  const query = new URLSearchParams(search);
  const text = (name: string): string => (query.get(name) ?? '').slice(0, LONGEST);
  const texts = (name: string): string[] => {
    const values = query.getAll(name).filter((value) => value !== '' && value.length <= LONGEST);
    return [...new Set(values)].slice(0, MOST);
  };
  const number = (name: string): number | null => {
    const value = query.get(name);
    return value !== null && /^\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : null;
  };
  const task = number('task');
  return {
    range: rangeOf(search),
    named: text('function'),
    functions: texts('fn'),
    workers: texts('worker'),
    status: STATUSES.find((status) => status === query.get('status')) ?? null,
    least: number('least'),
    most: number('most'),
    key: text('key'),
    pattern: query.get('key') !== null && query.get('pattern') === '1',
    search: text('q'),
    regex: query.get('regex') === '1',
    task: task !== null && Number.isInteger(task) ? task : null,
    area: areaOf(query.get('area') ?? '', query.get('tracks')),
    by: query.get('by') === 'worker' ? 'worker' : 'function',
    mark: text('mark') || null,
    list: LISTS.find((order) => order === query.get('list')) ?? null,
    rows: readRows(query),
    elapsed: query.get('ruler') === 'elapsed',
  };
}

function areaOf(range: string, tracks: string | null): AreaChoice | null {
  const [since = '', until = ''] = range.split('-');
  const times = rangeOf(new URLSearchParams({ since, until }).toString());
  if (times === null) return null;
  const valid = tracks !== null && tracks.length <= 10_000 && /^\d{1,7}(-\d{1,7})?(,\d{1,7}(-\d{1,7})?)*$/.test(tracks);
  return { ...times, tracks: valid ? tracks : null };
}

/** The query of an address that shows `state`, with what others keep in `search` as it was. Empty, or begins with `?`. */
export function writeTasksState(state: TasksState, search: string, theme: string | null): string {
  const query = new URLSearchParams(search);
  const set = (name: string, value: string | null): void => {
    query.delete(name);
    if (value !== null && value !== '') query.set(name, value);
  };
  const setAll = (name: string, values: readonly string[]): void => {
    query.delete(name);
    for (const value of values) query.append(name, value);
  };
  const { range, area } = state;
  set('since', range && secondsText(range.since));
  set('until', range && secondsText(range.until));
  set('function', state.named.trim());
  setAll('fn', state.functions);
  setAll('worker', state.workers);
  set('status', state.status);
  set('least', state.least === null ? null : String(state.least));
  set('most', state.most === null ? null : String(state.most));
  set('key', state.key);
  set('pattern', state.key !== '' && state.pattern ? '1' : null);
  set('q', state.search);
  set('regex', state.search !== '' && state.regex ? '1' : null);
  set('task', state.task === null ? null : String(state.task));
  set('area', area && `${secondsText(area.since)}-${secondsText(area.until)}`);
  set('tracks', area?.tracks ?? null);
  set('by', state.by === 'worker' ? 'worker' : null);
  set('mark', state.mark);
  set('list', state.list);
  set('ruler', state.elapsed ? 'elapsed' : null);
  writeRows(query, state.rows);
  set('theme', theme);
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** A time as the API and an address take it: with at most six decimals. */
export function secondsText(seconds: number): string {
  return String(Math.max(0, Math.round(seconds * 1e6) / 1e6));
}

/** The filter as parameters of the API; `search` calls something else by the name that others have for a pattern. */
export function filterParameters(
  filter: TaskFilter,
  regex: 'regex' | 'text_regex' = 'regex',
): [name: string, value: string][] {
  const { functions, workers, status, least, most, key, pattern } = filter;
  return [
    ...functions.map((name): [string, string] => ['name', name]),
    ...workers.map((worker): [string, string] => ['worker', worker]),
    ...(status === null ? [] : [['status', status] as [string, string]]),
    ...(least === null ? [] : [['min_duration', String(least)] as [string, string]]),
    ...(most === null ? [] : [['max_duration', String(most)] as [string, string]]),
    ...(key === '' ? [] : [['text', key] as [string, string]]),
    ...(key !== '' && pattern ? [[regex, '1'] as [string, string]] : []),
  ];
}

/** What of a filter makes tasks fade in the stream; functions and workers narrow it by themselves. */
export function windowFilter({ status, least, most, key, pattern }: TaskFilter): WindowFilter | null {
  const filter: WindowFilter = {
    ...(status !== null && { status }),
    ...(least !== null && { minDuration: least }),
    ...(most !== null && { maxDuration: most }),
    ...(key !== '' && { text: key }),
    ...(key !== '' && pattern && { regex: true as const }),
  };
  return Object.keys(filter).length === 0 ? null : filter;
}

export function isFiltered({ functions, workers, status, least, most, key }: TaskFilter): boolean {
  return functions.length + workers.length > 0 || status !== null || least !== null || most !== null || key !== '';
}

/** Track numbers as the API takes them: runs of them with a dash. */
export function trackText(tracks: readonly number[]): string {
  const sorted = [...tracks].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    const first = sorted[i]!;
    let last = first;
    while (sorted[i] === last || sorted[i] === last + 1) last = sorted[i++]!;
    parts.push(first === last ? `${first}` : `${first}-${last}`);
  }
  return parts.join(',');
}

/** The tracks that such a text names. */
export function tracksOfText(text: string): Set<number> {
  const tracks = new Set<number>();
  for (const part of text.split(',')) {
    const [first = 0, last = first] = part.split('-').map(Number);
    for (let track = first; track <= Math.min(last, first + 100_000); track++) tracks.add(track);
  }
  return tracks;
}
