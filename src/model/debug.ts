/**
 * What a debug page shows of one process, a topic at a time: the answer of `GET /api/v1/debug/TOPIC` of every debug server,
 * Dask's (made in Python by `agent/src/taskglass/debug`) and the embedded engine's alike. It describes itself, so that one
 * page draws all of them: units stand beside the numbers, and a table says how many rows were left out.
 */
export interface DebugView {
  /** E.g. `event-loop`; the last part of its address. */
  readonly topic: string;
  readonly title: string;
  /** When it was read: seconds since epoch, clock of the process that answers. */
  readonly time: number;
  /** What reading it cost that process: seconds of its CPU. */
  readonly cost: number;
  readonly facts: readonly DebugFact[];
  readonly tables: readonly DebugTable[];
  readonly series: readonly DebugSeries[];
  /** Call trees (profiles): drawn as flame graphs. */
  readonly trees: readonly DebugTree[];
  /** Anything a reader must know, e.g. that this version of Dask does not measure it. */
  readonly notes: readonly string[];
}

/**
 * How a number is meant. `bytes`, `bytes/s`, `seconds` (a duration), `time` (seconds since epoch), `share` (1 = all of it),
 * `percent` (of one core: 400 = four cores), `rate` (per second), `count`; `text` and `key` are strings.
 */
export const DEBUG_UNITS = [
  'count',
  'bytes',
  'bytes/s',
  'seconds',
  'time',
  'share',
  'percent',
  'rate',
  'text',
  'key',
] as const;
export type DebugUnit = (typeof DEBUG_UNITS)[number];

/** A number that is not known (or not finite) is null. */
export type DebugValue = string | number | boolean | null;

export interface DebugFact {
  readonly name: string;
  readonly unit: DebugUnit;
  readonly value: DebugValue;
}

export interface DebugTable {
  readonly title: string;
  readonly columns: readonly { readonly name: string; readonly unit: DebugUnit }[];
  /** As many values a row as there are columns. */
  readonly rows: readonly (readonly DebugValue[])[];
  /** How many rows there are in all; `rows` are the first (or newest, or largest) of them. */
  readonly total: number;
}

export interface DebugSeries {
  readonly title: string;
  readonly unit: DebugUnit;
  /** Seconds since epoch, ascending. */
  readonly times: readonly number[];
  /** As many values a line as there are times. */
  readonly lines: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
}

export interface DebugTree {
  readonly title: string;
  /** What `value` counts: `seconds` of samples, or `count` of them. */
  readonly unit: DebugUnit;
  readonly root: DebugNode;
}

export interface DebugNode {
  /** E.g. a function's name. */
  readonly name: string;
  /** E.g. file and line. */
  readonly detail: string;
  /** Of the node and all below it. */
  readonly value: number;
  readonly children: readonly DebugNode[];
}

/** What a process has to show, in the order in which it is shown: `GET /api/v1/debug`. */
export interface DebugIndex {
  readonly role: 'scheduler' | 'worker';
  /** For people: a worker's name, or the scheduler's address. */
  readonly name: string;
  readonly address: string;
  readonly engine: 'dask' | 'embedded';
  readonly version: string;
  readonly pid: number;
  readonly topics: readonly { readonly topic: string; readonly title: string }[];
}

/** The name under which a scheduler and a worker list their debug server's port among their services. */
export const DEBUG_SERVICE = 'taskglass-debug';
