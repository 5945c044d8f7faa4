import type { Steps } from '../../base/steps.ts';
import type { LinkedTask, RecordDetails } from '../../model/batch.ts';
import { type RecordIndex, toSeconds } from '../../model/units.ts';
import type { Store } from '../store.ts';
import { recordView } from './tasks-query.ts';

/** Records that are looked at in one step, and in all: most dependents finish soon after. */
const STEP_RECORDS = 5_000;
const MOST_RECORDS = 1_000_000;
/** Dependents that are named. */
const MOST_NAMED = 100;

/**
 * A record with the records that it depended on and, where they are asked for, those that depended on it, which are searched for
 * behind it; null when there is no such record.
 */
export function* recordDetailsSteps(
  store: Store,
  record: RecordIndex,
  withDependents: boolean,
): Steps<RecordDetails | null> {
  const view = recordView(store, record);
  if (view === null) return null;
  const { records } = store;
  const dependencies = {
    total: records.needs.at(record),
    tasks: records.dependencies.at(record).map((dependency) => linked(store, dependency)),
  };
  if (!withDependents) return { ...view, dependencies };
  const { length } = records;
  const end = Math.min(length, record + 1 + MOST_RECORDS);
  const named: RecordIndex[] = [];
  let total = 0;
  for (let from = record + 1; from < end; from += STEP_RECORDS) {
    const found = records.dependencies.dependents(record, from, Math.min(end, from + STEP_RECORDS));
    total += found.length;
    named.push(...found.slice(0, MOST_NAMED - named.length));
    yield;
  }
  const tasks = named.map((dependent) => linked(store, dependent));
  return { ...view, dependencies, dependents: { total, complete: end === length, tasks } };
}

function linked({ records, strings }: Store, record: RecordIndex): LinkedTask {
  return {
    record,
    key: records.keys.at(record),
    name: strings.function.at(records.fn.at(record)),
    track: records.track.at(record),
    start: toSeconds(records.start.at(record)),
    stop: toSeconds(records.stop.at(record)),
  };
}
