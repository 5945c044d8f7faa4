import type { FinishedTask } from '../../model/finished-task.ts';
import type { TaskError } from '../../model/source-event.ts';
import { ACTION_INDEX, ACTIONS, RECORD_STATUSES } from '../../model/task-state.ts';

/**
 * Finished tasks in columns: cloned from process to process at a fraction of what the same objects would take. Startstops
 * of all rows stand behind one another.
 */
export interface FinishedRows {
  readonly keys: readonly string[];
  /** Every other text, once. The columns below hold places in it. */
  readonly texts: readonly string[];
  readonly prefix: Uint32Array;
  readonly group: Uint32Array;
  readonly worker: Uint32Array;
  readonly type: Uint32Array;
  readonly thread: Float64Array;
  /** Place in RECORD_STATUSES. */
  readonly status: Uint8Array;
  readonly nbytes: Float64Array;
  readonly startstops: Uint16Array;
  /** Place in ACTIONS. One a startstop, as what follows. */
  readonly action: Uint8Array;
  readonly start: Float64Array;
  readonly stop: Float64Array;
  /** Place in `texts` plus one; 0 = none. */
  readonly source: Uint32Array;
  readonly errors: readonly (readonly [row: number, error: TaskError])[];
  /** NaN: not known. One a row, as the two that follow. */
  readonly ready: Float64Array;
  readonly needs: Uint32Array;
  /** How many numbers of `back`, which stand behind one another, are its. */
  readonly dependencies: Uint8Array;
  readonly back: Uint32Array;
}

export function packFinished(tasks: readonly FinishedTask[]): FinishedRows {
  const rows = tasks.length;
  const slices = tasks.reduce((total, { startstops }) => total + startstops.length, 0);
  const places = new Map<string, number>();
  const place = (text: string): number => {
    let at = places.get(text);
    if (at === undefined) {
      at = places.size;
      places.set(text, at);
    }
    return at;
  };
  const keys = new Array<string>(rows);
  const prefix = new Uint32Array(rows);
  const group = new Uint32Array(rows);
  const worker = new Uint32Array(rows);
  const type = new Uint32Array(rows);
  const thread = new Float64Array(rows);
  const status = new Uint8Array(rows);
  const nbytes = new Float64Array(rows);
  const startstops = new Uint16Array(rows);
  const action = new Uint8Array(slices);
  const start = new Float64Array(slices);
  const stop = new Float64Array(slices);
  const source = new Uint32Array(slices);
  const errors: [number, TaskError][] = [];
  const ready = new Float64Array(rows);
  const needs = new Uint32Array(rows);
  const dependencies = new Uint8Array(rows);
  const back = Uint32Array.from(tasks.flatMap((task) => task.dependencies?.back ?? []));
  let at = 0;
  tasks.forEach((task, row) => {
    keys[row] = task.key;
    prefix[row] = place(task.prefix);
    group[row] = place(task.group);
    worker[row] = place(task.worker);
    type[row] = place(task.type);
    thread[row] = task.thread;
    status[row] = RECORD_STATUSES.indexOf(task.status);
    nbytes[row] = task.nbytes;
    startstops[row] = task.startstops.length;
    if (task.error !== undefined) errors.push([row, task.error]);
    ready[row] = task.ready ?? Number.NaN;
    needs[row] = task.dependencies?.total ?? 0;
    dependencies[row] = task.dependencies?.back.length ?? 0;
    for (const slice of task.startstops) {
      action[at] = ACTION_INDEX[slice.action];
      start[at] = slice.start;
      stop[at] = slice.stop;
      source[at] = slice.source === undefined ? 0 : place(slice.source) + 1;
      at++;
    }
  });
  const columns = { prefix, group, worker, type, thread, status, nbytes, startstops, action, start, stop, source };
  return { keys, texts: [...places.keys()], ...columns, errors, ready, needs, dependencies, back };
}

export function* unpackFinished(rows: FinishedRows): Generator<FinishedTask> {
  const { texts } = rows;
  const errors = new Map(rows.errors);
  let at = 0;
  let link = 0;
  for (let row = 0; row < rows.keys.length; row++) {
    const ready = rows.ready[row]!;
    const back = Array.from(rows.back.subarray(link, link + rows.dependencies[row]!));
    link += back.length;
    const error = errors.get(row);
    const startstops = Array.from({ length: rows.startstops[row]! }, () => {
      const source = rows.source[at]!;
      const slice = { action: ACTIONS[rows.action[at]!]!, start: rows.start[at]!, stop: rows.stop[at]! };
      at++;
      return source === 0 ? slice : { ...slice, source: texts[source - 1]! };
    });
    yield {
      key: rows.keys[row]!,
      prefix: texts[rows.prefix[row]!]!,
      group: texts[rows.group[row]!]!,
      worker: texts[rows.worker[row]!]!,
      thread: rows.thread[row]!,
      type: texts[rows.type[row]!]!,
      status: RECORD_STATUSES[rows.status[row]!]!,
      nbytes: rows.nbytes[row]!,
      startstops,
      ...(Number.isNaN(ready) ? {} : { ready }),
      dependencies: { total: rows.needs[row]!, back },
      ...(error === undefined ? {} : { error }),
    };
  }
}
