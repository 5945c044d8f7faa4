import { TaskglassError } from '../base/errors.ts';
import {
  DEBUG_UNITS,
  type DebugFact,
  type DebugIndex,
  type DebugNode,
  type DebugSeries,
  type DebugTable,
  type DebugTree,
  type DebugUnit,
  type DebugValue,
  type DebugView,
} from './debug.ts';

/**
 * Reads a debug server's answers, which come from a process that runs other people's code. Only what the types name comes
 * through, rebuilt, of the right kind and within bounds; all else throws PROTOCOL_ERROR.
 */

const UNITS: ReadonlySet<string> = new Set(DEBUG_UNITS);

/** Longer text is cut. */
const MAX_TEXT = 20_000;
const MAX_LIST = 1_000;
const MAX_COLUMNS = 100;
const MAX_ROWS = 20_000;
const MAX_NODES = 50_000;
/** Python's own limit on recursion is 1,000 by default. */
const MAX_DEPTH = 1_500;

/** What a topic is called; also what may stand in its address. */
export function isTopic(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,63}$/.test(text);
}

/** Throws PROTOCOL_ERROR. */
export function checkDebugIndex(value: unknown): DebugIndex {
  const index = record(value, 'the index');
  const { role, engine } = index;
  if (role !== 'scheduler' && role !== 'worker') throw malformed('role');
  if (engine !== 'dask' && engine !== 'embedded') throw malformed('engine');
  return {
    role,
    name: text(index.name, 'name'),
    address: text(index.address, 'address'),
    engine,
    version: text(index.version, 'version'),
    pid: finite(index.pid, 'pid'),
    topics: list(index.topics, 'topics', MAX_LIST, (item) => {
      const topic = record(item, 'topics');
      return { topic: topicName(topic.topic), title: text(topic.title, 'title of a topic') };
    }),
  };
}

/** Throws PROTOCOL_ERROR. */
export function checkDebugView(value: unknown): DebugView {
  const view = record(value, 'the answer');
  return {
    topic: topicName(view.topic),
    title: text(view.title, 'title'),
    time: finite(view.time, 'time'),
    cost: finite(view.cost, 'cost'),
    facts: list(view.facts, 'facts', MAX_LIST, fact),
    tables: list(view.tables, 'tables', MAX_COLUMNS, table),
    series: list(view.series, 'series', MAX_COLUMNS, series),
    trees: list(view.trees, 'trees', MAX_COLUMNS, tree),
    notes: list(view.notes, 'notes', MAX_LIST, (note) => text(note, 'notes')),
  };
}

function fact(value: unknown): DebugFact {
  const { name, unit, value: known } = record(value, 'facts');
  return { name: text(name, 'name of a fact'), unit: unitOf(unit), value: cell(known) };
}

function table(value: unknown): DebugTable {
  const made = record(value, 'tables');
  const columns = list(made.columns, 'columns', MAX_COLUMNS, (item) => {
    const column = record(item, 'columns');
    return { name: text(column.name, 'name of a column'), unit: unitOf(column.unit) };
  });
  const rows = list(made.rows, 'rows', MAX_ROWS, (row) => {
    const cells = list(row, 'rows', MAX_COLUMNS, cell);
    if (cells.length !== columns.length) throw malformed('rows: a value for each column');
    return cells;
  });
  const total = finite(made.total, 'total');
  return { title: text(made.title, 'title of a table'), columns, rows, total: Math.max(total, rows.length) };
}

function series(value: unknown): DebugSeries {
  const made = record(value, 'series');
  const times = list(made.times, 'times', MAX_ROWS, (time) => finite(time, 'times'));
  if (times.some((time, i) => i > 0 && time < times[i - 1]!)) throw malformed('times: ascending');
  const lines = list(made.lines, 'lines', MAX_COLUMNS, (item) => {
    const line = record(item, 'lines');
    const values = list(line.values, 'values', MAX_ROWS, (one) => (one === null ? null : finite(one, 'values')));
    if (values.length !== times.length) throw malformed('values: one for each time');
    return { name: text(line.name, 'name of a line'), values };
  });
  return { title: text(made.title, 'title of a series'), unit: unitOf(made.unit), times, lines };
}

function tree(value: unknown): DebugTree {
  const made = record(value, 'trees');
  let nodes = 0;
  const node = (item: unknown, depth: number): DebugNode => {
    const { name, detail, value: weight, children } = record(item, 'nodes');
    if (++nodes > MAX_NODES || depth > MAX_DEPTH) throw malformed('a tree that is too large');
    return {
      name: text(name, 'name of a node'),
      detail: text(detail, 'detail of a node'),
      value: Math.max(0, finite(weight, 'value of a node')),
      children: list(children, 'children', MAX_NODES, (child) => node(child, depth + 1)),
    };
  };
  return { title: text(made.title, 'title of a tree'), unit: unitOf(made.unit), root: node(made.root, 0) };
}

function cell(value: unknown): DebugValue {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return text(value, 'a value');
}

function unitOf(value: unknown): DebugUnit {
  if (typeof value !== 'string' || !UNITS.has(value)) throw malformed('unit');
  return value as DebugUnit;
}

function topicName(value: unknown): string {
  if (typeof value !== 'string' || !isTopic(value)) throw malformed('topic');
  return value;
}

function text(value: unknown, where: string): string {
  if (typeof value !== 'string') throw malformed(where);
  return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
}

function finite(value: unknown, where: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw malformed(where);
  return value;
}

function list<T>(value: unknown, where: string, most: number, each: (item: unknown) => T): T[] {
  if (!Array.isArray(value) || value.length > most) throw malformed(where);
  return value.map(each);
}

function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(where);
  return value as Readonly<Record<string, unknown>>;
}

function malformed(where: string): TaskglassError {
  return new TaskglassError('PROTOCOL_ERROR', `a debug page that is malformed: ${where}`);
}
