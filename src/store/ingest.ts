import type { FinishedColumns, RunningChange } from '../model/source-event.ts';
import { ACTION_INDEX, STATUS_ERRED, STATUS_LOST } from '../model/task-state.ts';
import { type Micros, type StringIndex, toMicros } from '../model/units.ts';
import { NO_LINKS } from './columns/records.ts';
import type { Track } from './detail/tracks.ts';
import type { Running } from './running.ts';
import type { Store } from './store.ts';

/** Appends finished tasks: a record each, a slice for each startstop. Ends the running task of the same key. */
export function ingestFinished(store: Store, finished: FinishedColumns): void {
  const { records, tracks, running } = store;
  let at = 0;
  let link = 0;
  for (let row = 0; row < finished.length; row++) {
    const key = finished.keys[row]!;
    const worker = finished.worker[row]!;
    const status = finished.status[row]!;
    const fn = finished.fn[row]!;
    const count = finished.startstops[row]!;
    const address = store.strings.worker.at(worker);
    const ran = finished.past ? undefined : running.end(key, store.seq);
    const record = records.length;
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    let track: number;
    if (count > 0) {
      track = tracks.ofThread(worker, address, finished.thread[row]!, store.seq).track;
      for (let i = at; i < at + count; i++) {
        const start = timeOf(finished.start[i]!, store.now);
        // A slice shorter than the clock's step is one step long: nothing that happened is invisible.
        const stop = Math.max(start + 1, timeOf(finished.stop[i]!, store.now));
        const action = finished.action[i]!;
        store.addSlice({ track, record, fn, status, action, start, stop, origin: finished.origin[i]! });
        first = Math.min(first, start);
        last = Math.max(last, stop);
      }
    } else {
      // Its worker died under it: nobody says when it ran, but we may have seen it.
      track = ran?.track ?? tracks.ofSlot(worker, address, 0, store.seq).track;
      last = toMicros(store.now);
      first = Math.min(ran?.start ?? last, last);
      if (ran !== undefined) {
        const stop = Math.max(first + 1, last);
        store.addSlice({ track, record, fn, status, action: ACTION_INDEX.compute, start: first, stop, origin: 0 });
      }
    }
    at += count;
    if (count > 0 && !finished.past) giveWay(store, track, worker, (first + last) / 2);
    records.push({
      key,
      fn,
      group: finished.group[row]!,
      worker,
      track,
      type: finished.type[row]!,
      status,
      past: finished.past,
      nbytes: finished.nbytes[row]!,
      start: first,
      stop: last,
      ready: knownTime(finished.ready[row]!),
      needs: finished.needs[row]!,
      back: Array.from(finished.back.subarray(link, link + finished.dependencies[row]!)),
    });
    link += finished.dependencies[row]!;
    const error = finished.errors.get(row);
    if (error !== undefined) records.errors.push(record, error);
    store.executed(first, last, 1, status === STATUS_ERRED ? 1 : 0);
  }
}

export function ingestRunning(store: Store, change: RunningChange): void {
  const { running } = store;
  if (change.reset) running.endAll(store.seq);
  for (const key of change.ended) running.end(key, store.seq);
  for (const task of change.started) {
    // A task that is reported again keeps its row.
    running.end(task.key, store.seq);
    const start = timeOf(task.start, store.now);
    const track = freeTrack(store, task.worker, start);
    running.begin({ key: task.key, fn: task.fn, worker: task.worker, start, track: track.track }, store.seq);
  }
}

/** Tasks whose worker went away while they ran become records of status `lost`. */
export function ingestLost(store: Store, tasks: readonly Running[], time: Micros): void {
  const { records } = store;
  for (const { key, fn, worker, start, track } of tasks) {
    const stop = Math.max(start + 1, time);
    store.executed(start, stop);
    const record = records.length;
    store.addSlice({ track, record, fn, status: STATUS_LOST, action: ACTION_INDEX.compute, start, stop, origin: 0 });
    records.push({
      key,
      fn,
      group: 0,
      worker,
      track,
      type: 0,
      status: STATUS_LOST,
      past: false,
      nbytes: 0,
      start,
      stop,
      ...NO_LINKS,
    });
  }
}

/**
 * A thread ran something until after a task began that was drawn on its row: that one runs on another thread, and moves to
 * the row that is now most likely. `middle` of what the thread ran: clocks differ, neighbours may seem to overlap a little.
 */
function giveWay(store: Store, track: number, worker: StringIndex, middle: Micros): void {
  const { running } = store;
  const guest = running.onTrack(track);
  if (guest === undefined || guest.worker !== worker || guest.start >= middle) return;
  const next = idleTrack(store, worker, guest.start);
  if (next !== undefined) running.move(guest, next.track, store.seq);
}

/** The row on which a running task is drawn until its thread is known. Tasks that have seceded get rows of their own. */
function freeTrack(store: Store, worker: StringIndex, start: Micros): Track {
  const { tracks, strings, seq } = store;
  const rows = tracks.placeOf(worker)?.tracks.length ?? 0;
  return idleTrack(store, worker, start) ?? tracks.ofSlot(worker, strings.worker.at(worker), rows, seq);
}

/**
 * Of a worker's rows that run nothing: the lowest on which nothing ended after `start` (there another thread was busy), else the
 * one that has been quiet longest. Rows beyond its threads come last.
 */
function idleTrack(store: Store, worker: StringIndex, start: Micros): Track | undefined {
  const { tracks, running, slices } = store;
  let best: Track | undefined;
  let bestStop = Number.POSITIVE_INFINITY;
  const place = tracks.placeOf(worker);
  for (const track of place?.tracks ?? []) {
    if (track.slot >= place!.nthreads && best !== undefined) break;
    if (running.onTrack(track.track) !== undefined) continue;
    const stop = slices.lastStop(track.track);
    if (stop <= start) return track;
    if (stop < bestStop) [best, bestStop] = [track, stop];
  }
  return best;
}

/** Whole microseconds; null for what is no time at all. */
function knownTime(seconds: number): Micros | null {
  const micros = toMicros(seconds);
  return micros > 0 && Number.isSafeInteger(micros) ? micros : null;
}

/** Whole microseconds; what is no time at all, or none that can be told from its neighbours, happened now. */
function timeOf(seconds: number, now: number): Micros {
  const micros = toMicros(seconds);
  return micros > 0 && Number.isSafeInteger(micros) ? micros : toMicros(now);
}
