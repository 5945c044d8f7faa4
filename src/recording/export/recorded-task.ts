import type { FinishedColumns } from '../../model/source-event.ts';
import { ACTIONS, type Action, RECORD_STATUSES, type RecordStatus } from '../../model/task-state.ts';
import type { Bytes, Seconds } from '../../model/units.ts';
import type { Tables } from './tables.ts';

/** A recorded task in the words of the HTTP API. */
export interface RecordedTask {
  readonly key: string;
  readonly name: string;
  readonly group: string;
  readonly worker: string;
  readonly thread: number;
  readonly status: RecordStatus;
  /** First start and last stop; null where nobody saw it run. */
  readonly start: Seconds | null;
  readonly stop: Seconds | null;
  readonly nbytes: Bytes | null;
  readonly type: string;
  readonly startstops: readonly {
    readonly action: Action;
    readonly start: Seconds;
    readonly stop: Seconds;
    readonly source?: string;
  }[];
  readonly past: boolean;
  /** When all that it depends on was there; null where that is not known. */
  readonly ready: Seconds | null;
  /** How many tasks it depended on, 0 where that is not known, and how many rows before it those stand that are recorded. */
  readonly needs: number;
  readonly dependencies: readonly number[];
  readonly exception?: string;
  readonly traceback?: string;
}

/** The rows of columns, one by one. */
export function* tasksOf(columns: FinishedColumns, textOf: Tables['textOf']): Generator<RecordedTask> {
  let slice = 0;
  let link = 0;
  for (let row = 0; row < columns.length; row++) {
    const startstops: RecordedTask['startstops'][number][] = [];
    for (const end = slice + columns.startstops[row]!; slice < end; slice++) {
      const origin = columns.origin[slice]!;
      startstops.push({
        action: ACTIONS[columns.action[slice]!]!,
        start: columns.start[slice]!,
        stop: columns.stop[slice]!,
        ...(origin !== 0 && { source: textOf('worker', origin) }),
      });
    }
    const nbytes = columns.nbytes[row]!;
    const ready = columns.ready[row]!;
    const dependencies = Array.from(columns.back.subarray(link, link + columns.dependencies[row]!));
    link += dependencies.length;
    yield {
      key: columns.keys[row]!,
      name: textOf('function', columns.fn[row]!),
      group: textOf('group', columns.group[row]!),
      worker: textOf('worker', columns.worker[row]!),
      thread: columns.thread[row]!,
      status: RECORD_STATUSES[columns.status[row]!]!,
      start: startstops.length === 0 ? null : Math.min(...startstops.map(({ start }) => start)),
      stop: startstops.length === 0 ? null : Math.max(...startstops.map(({ stop }) => stop)),
      nbytes: Number.isNaN(nbytes) ? null : nbytes,
      type: textOf('type', columns.type[row]!),
      startstops,
      past: columns.past,
      ready: Number.isNaN(ready) ? null : ready,
      needs: columns.needs[row]!,
      dependencies,
      ...columns.errors.get(row),
    };
  }
}
