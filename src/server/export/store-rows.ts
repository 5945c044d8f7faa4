import { setImmediate } from 'node:timers/promises';
import { makeColumns } from '../../model/finished-columns.ts';
import type { FinishedColumns } from '../../model/source-event.ts';
import { type RecordStatus, STATUS_LOST } from '../../model/task-state.ts';
import { type RecordIndex, toSeconds } from '../../model/units.ts';
import type { TaskRows } from '../../recording/export/export.ts';
import type { Slice } from '../../store/detail/slices.ts';
import { type RecordFilter, recordMatcher } from '../../store/queries/record-filter.ts';
import type { Store } from '../../store/store.ts';

/** Which tasks of a history are exported. */
export interface Selection extends RecordFilter {
  readonly status?: RecordStatus | undefined;
}

/** Records of a part. */
const PART = 2_048;
/** Records that are looked at before others have their turn. */
const TURN = 4_096;

/**
 * The finished tasks of a running server's history, oldest first. Others have their turn between parts; what comes meanwhile is not
 * in it.
 */
export function storeRows(store: Store, selection: Selection): TaskRows {
  return { textOf: (table, index) => store.strings[table].at(index), parts: () => partsOf(store, selection) };
}

async function* partsOf(store: Store, selection: Selection): AsyncGenerator<FinishedColumns> {
  const { records } = store;
  const { length } = records;
  const matches = recordMatcher(store, selection, selection.status, { spent: 0 });
  // Numbers of rows, from 1 on, by record: what a row depended on is named by how far before it that stands.
  const rows = new Uint32Array(length);
  let told = 0;
  let chosen: RecordIndex[] = [];
  let past = false;
  for (let record = records.dropped; record < length; record++) {
    if (record % TURN === TURN - 1) await setImmediate();
    if (!matches(record)) continue;
    const isPast = records.past.at(record) === 1;
    // All rows of a part are of one kind.
    if (chosen.length === PART || (chosen.length > 0 && isPast !== past)) {
      yield columnsOf(store, chosen, rows);
      chosen = [];
    }
    past = isPast;
    if (!isPast && records.status.at(record) !== STATUS_LOST) rows[record] = ++told;
    chosen.push(record);
  }
  if (chosen.length > 0) yield columnsOf(store, chosen, rows);
}

function columnsOf(store: Store, chosen: readonly RecordIndex[], rows: Uint32Array): FinishedColumns {
  const { records, slices, tracks } = store;
  const found: Slice[] = [];
  const counts: number[] = [];
  const links: number[] = [];
  const linked: number[] = [];
  for (const record of chosen) {
    const own: Slice[] = [];
    slices.visit(records.track.at(record), records.start.at(record), records.stop.at(record) + 1, (slice) => {
      if (slice.record === record) own.push({ ...slice });
      return;
    });
    own.sort((a, b) => a.start - b.start || a.stop - b.stop);
    counts.push(own.length);
    found.push(...own);
    const row = rows[record]!;
    const back =
      row === 0
        ? []
        : records.dependencies.at(record).flatMap((other) => (rows[other]! > 0 ? [row - rows[other]!] : []));
    linked.push(back.length);
    links.push(...back);
  }
  const columns = makeColumns(chosen.length, found.length, records.past.at(chosen[0]!) === 1, links.length);
  columns.startstops.set(counts);
  columns.dependencies.set(linked);
  columns.back.set(links);
  chosen.forEach((record, row) => {
    columns.keys[row] = records.keys.at(record);
    columns.fn[row] = records.fn.at(record);
    columns.group[row] = records.group.at(record);
    columns.worker[row] = records.worker.at(record);
    columns.thread[row] = tracks.threadOf(records.worker.at(record), tracks.list[records.track.at(record)]!.slot);
    columns.type[row] = records.type.at(record);
    columns.status[row] = records.status.at(record);
    columns.nbytes[row] = records.nbytes.at(record);
    const ready = records.ready(record);
    if (ready !== null) columns.ready[row] = toSeconds(ready);
    columns.needs[row] = records.needs.at(record);
    const error = records.error(record);
    if (error !== undefined) columns.errors.set(row, error);
  });
  found.forEach(({ action, start, stop, origin }, i) => {
    columns.action[i] = action;
    columns.start[i] = toSeconds(start);
    columns.stop[i] = toSeconds(stop);
    columns.origin[i] = origin;
  });
  return columns;
}
