import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { encodeWide } from '../../base/wide-text.ts';
import type { StateBatch } from '../../model/batch.ts';
import { ACTION_INDEX, STATUS_ERRED } from '../../model/task-state.ts';
import { type Micros, type RecordIndex, toSeconds } from '../../model/units.ts';
import { resourcesSnapshot, runningSnapshot, stateSnapshot, workersBatch } from '../../store/queries/cursors.ts';
import type { Store } from '../../store/store.ts';
import { encode } from '../../wire/encode.ts';
import {
  joinMessages,
  type LeftOut,
  type PackedTracks,
  packTracks,
  type ReportHead,
  type ReportPartKind,
  SummaryWriter,
} from '../../wire/report.ts';
import type { RecordsWriter, ReportSlice, WrittenNames } from '../../wire/report-records.ts';

/** A part as it stands in the file: in UTF-16. */
export interface ReportPart {
  readonly kind: ReportPartKind;
  readonly text: Uint8Array;
}

const deflated = promisify(deflateRaw);

/** A part that is made small, off the event loop. */
export async function packPart(kind: ReportPartKind, bytes: Uint8Array): Promise<ReportPart> {
  return plainPart(kind, await deflated(bytes, { level: 9, memLevel: 9 }));
}

/** A part that cannot be made smaller. */
export function plainPart(kind: ReportPartKind, bytes: Uint8Array): ReportPart {
  // Everything that this runs on has the lower byte first.
  return { kind, text: new Uint8Array(encodeWide(bytes).buffer) };
}

/** What the state, the workers and the resources are, as a page of the server would hear it; of a server it offers nothing. */
export function messagesOf(store: Store): { readonly messages: Uint8Array; readonly tracks: PackedTracks } {
  const { tracks = [], ...state }: StateBatch = stateSnapshot(store);
  const cluster = state.cluster && {
    ...state.cluster,
    engine: 'recording' as const,
    mode: 'recording' as const,
    services: {},
  };
  const link = { state: 'connected' as const, since: state.now, heard: state.now, reason: '' };
  const workers = workersBatch(store);
  const messages = joinMessages([
    encode({ kind: 'state', batch: { ...state, ...(cluster && { cluster }), link } }),
    encode({
      kind: 'workers',
      batch: { ...workers, workers: workers.workers.map((worker) => ({ ...worker, services: {} })) },
    }),
    encode({ kind: 'resources', batch: resourcesSnapshot(store) }),
    encode({ kind: 'running', batch: runningSnapshot(store) }),
  ]);
  return { messages, tracks: packTracks(tracks, store.strings.worker.valuesFrom(0)) };
}

export function stringsOf({ strings }: Store): ReportHead['strings'] {
  return { function: strings.function.valuesFrom(0), worker: strings.worker.valuesFrom(0) };
}

/** What a reader of the present state knows. */
export function namesOf({ strings, tracks }: Store): WrittenNames {
  // As they are now: while a file is made, workers may come back under other addresses.
  const workers = tracks.list.map(({ place }) => place.worker);
  return { text: (table, index) => strings[table].at(index), worker: (track) => workers[track] ?? 0 };
}

/** Adds a record to a chunk. `rank` numbers those that others may name as what they depended on. */
export function addRecord(writer: RecordsWriter, store: Store, record: RecordIndex, rank: Uint32Array): void {
  const { records, slices } = store;
  const start = records.start.at(record);
  const stop = records.stop.at(record);
  const track = records.track.at(record);
  const found: ReportSlice[] = [];
  slices.visit(track, start, stop + 1, (slice) => {
    if (slice.record === record) {
      found.push({ action: slice.action, start: slice.start, stop: slice.stop, origin: slice.origin });
    }
    return;
  });
  found.sort((a, b) => a.start - b.start || a.stop - b.stop);
  writer.add({
    key: records.keys.at(record),
    fn: records.fn.at(record),
    group: records.group.at(record),
    worker: records.worker.at(record),
    track,
    type: records.type.at(record),
    status: records.status.at(record),
    past: records.past.at(record) === 1,
    nbytes: records.nbytes.at(record),
    start,
    stop,
    ready: records.ready(record),
    needs: records.needs.at(record),
    back: records.dependencies.at(record).flatMap((other) => (rank[other] === 0 ? [] : [rank[record]! - rank[other]!])),
    slices: found,
    error: records.error(record),
  });
}

/** Function and kind of an entry as one number. */
const CODES = 2 ** 20;
const FINEST = 14;

interface Sums {
  records: number;
  erred: number;
  total: Micros;
  most: Micros;
  nbytes: number;
}

export interface Summary {
  readonly leftOut: LeftOut;
  readonly bytes: Uint8Array;
}

/**
 * The records that `has` says, as sums: shares on the finest grid that has about as many entries as it may, and what each function
 * did. Yields now and then. Null for no records.
 */
export function* summarySteps(
  store: Store,
  has: (record: RecordIndex) => boolean,
  length: number,
  mostEntries: number,
): Generator<undefined, Summary | null> {
  const { records } = store;
  const functions = new Map<number, Sums>();
  let count = 0;
  let since = Number.POSITIVE_INFINITY;
  let until = Number.NEGATIVE_INFINITY;
  for (let record = records.dropped; record < length; record++) {
    if (record % 20_000 === 0) yield;
    if (!has(record)) continue;
    count++;
    since = Math.min(since, records.start.at(record));
    until = Math.max(until, records.stop.at(record));
    const sums = sumsOf(functions, records.fn.at(record));
    sums.records++;
    if (records.status.at(record) === STATUS_ERRED) sums.erred++;
    const nbytes = records.nbytes.at(record);
    if (nbytes > 0) sums.nbytes += nbytes;
  }
  if (count === 0) return null;
  for (let level = FINEST; ; level++) {
    // A track has a slice or some in most of its bins; finer bins than slices cost and show nothing.
    const bins = (until - since) / 2 ** level;
    if (bins * store.tracks.list.length * 2 > mostEntries && bins > 8) continue;
    const computes = new Map<number, Sums>();
    // So few bins are taken whatever is in them: coarser ones would hardly have fewer entries.
    const most = bins > 8 ? mostEntries : Number.POSITIVE_INFINITY;
    const bytes = yield* sharesSteps(store, has, { since, until, level, mostEntries: most }, computes);
    if (bytes === null) continue;
    for (const [fn, { total, most }] of computes) Object.assign(sumsOf(functions, fn), { total, most });
    const rows = [...functions].map(([fn, { total, most, ...sums }]) => ({
      fn,
      ...sums,
      total: toSeconds(total),
      most: toSeconds(most),
    }));
    return { leftOut: { records: count, since, until, level, functions: rows }, bytes };
  }
}

function* sharesSteps(
  store: Store,
  has: (record: RecordIndex) => boolean,
  { since, until, level, mostEntries }: Readonly<Record<'since' | 'until' | 'level' | 'mostEntries', number>>,
  computes: Map<number, Sums>,
): Generator<undefined, Uint8Array | null> {
  const { records, slices, tracks } = store;
  const writer = new SummaryWriter();
  const width = 2 ** level;
  for (const { track } of tracks.list) {
    const busy = new Map<number, number>();
    let rows = 0;
    slices.visit(track, since, until + 1, (slice) => {
      rows++;
      const { record, action, start, stop } = slice;
      if (!has(record)) return;
      const fn = records.fn.at(record);
      const code = fn * 16 + action + 5 * records.status.at(record);
      if (action === ACTION_INDEX.compute) {
        const sums = sumsOf(computes, fn);
        sums.total += stop - start;
        sums.most = Math.max(sums.most, stop - start);
      }
      for (let from = start; from < stop; ) {
        const bin = Math.floor(from / width);
        const end = Math.min(stop, (bin + 1) * width);
        const key = (bin - Math.floor(since / width)) * CODES + code;
        busy.set(key, (busy.get(key) ?? 0) + end - from);
        from = end;
      }
      return;
    });
    for (const key of [...busy.keys()].sort((a, b) => a - b)) {
      const code = key % CODES;
      const kind = code % 16;
      writer.add({
        track,
        bin: (key - code) / CODES + Math.floor(since / width),
        fn: (code - kind) / 16,
        action: kind % 5,
        status: Math.floor(kind / 5),
        busy: busy.get(key)!,
      });
    }
    if (writer.length > 2 * mostEntries) return null;
    if (rows > 0) yield;
  }
  return writer.finish();
}

function sumsOf(functions: Map<number, Sums>, fn: number): Sums {
  let sums = functions.get(fn);
  if (sums === undefined) {
    sums = { records: 0, erred: 0, total: 0, most: 0, nbytes: 0 };
    functions.set(fn, sums);
  }
  return sums;
}
