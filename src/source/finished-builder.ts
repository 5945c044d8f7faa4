import { makeColumns } from '../model/finished-columns.ts';
import type { FinishedTask } from '../model/finished-task.ts';
import type { FinishedColumns, SourceSink } from '../model/source-event.ts';
import { ACTION_INDEX, RECORD_STATUSES } from '../model/task-state.ts';

/** Columns of the finished tasks of one tick. */
export function finishedColumns(tasks: readonly FinishedTask[], sink: SourceSink): FinishedColumns {
  const { length } = tasks;
  const slices = tasks.reduce((sum, task) => sum + task.startstops.length, 0);
  const links = tasks.reduce((sum, { dependencies }) => sum + (dependencies?.back.length ?? 0), 0);
  const columns = makeColumns(length, slices, false, links);
  let at = 0;
  let link = 0;
  tasks.forEach((task, row) => {
    columns.keys[row] = task.key;
    columns.fn[row] = sink.intern('function', task.prefix);
    columns.group[row] = sink.intern('group', task.group);
    columns.worker[row] = sink.intern('worker', task.worker);
    columns.thread[row] = task.thread;
    columns.type[row] = sink.intern('type', task.type);
    columns.status[row] = RECORD_STATUSES.indexOf(task.status);
    columns.nbytes[row] = task.nbytes;
    columns.startstops[row] = task.startstops.length;
    if (task.error !== undefined) columns.errors.set(row, task.error);
    columns.ready[row] = task.ready ?? Number.NaN;
    const { total = 0, back = [] } = task.dependencies ?? {};
    columns.needs[row] = total;
    columns.dependencies[row] = back.length;
    for (const rows of back) columns.back[link++] = rows;
    for (const { action, start, stop, source } of task.startstops) {
      columns.action[at] = ACTION_INDEX[action];
      columns.start[at] = start;
      columns.stop[at] = stop;
      columns.origin[at] = source === undefined ? 0 : sink.intern('worker', source);
      at++;
    }
  });
  return columns;
}
