import type { StateBatch } from '../../model/batch.ts';
import { ACTIONS } from '../../model/task-state.ts';
import { type Micros, toMicros } from '../../model/units.ts';
import { Slices } from '../../store/detail/slices.ts';
import { Store } from '../../store/store.ts';
import { decode } from '../../wire/decode.ts';
import { encode } from '../../wire/encode.ts';
import { type LeftOut, type ReportHead, readSummary, splitMessages, unpackTracks } from '../../wire/report.ts';
import { type ReadNames, type RecordsChunk, readRecords } from '../../wire/report-records.ts';

/** Slices of the records in the file, and busy time of those that are in it as sums alone. */
class ReportSlices extends Slices {
  /** Of what is left out: null for nothing. */
  leftOut: LeftOut | null = null;
  /** The sums as slices, which are exact on the grid of their level and on coarser ones. Their records are functions. */
  readonly #sums = new Slices((fn) => fn);

  override extent(): { readonly since: Micros; readonly until: Micros } | null {
    const extent = super.extent();
    const { leftOut } = this;
    if (extent === null || leftOut === null) return extent ?? leftOut;
    return { since: Math.min(extent.since, leftOut.since), until: Math.max(extent.until, leftOut.until) };
  }

  override rowsIn(...question: Parameters<Slices['rowsIn']>): number {
    return super.rowsIn(...question) + this.#sums.rowsIn(...question);
  }

  override busy(...question: Parameters<Slices['busy']>): number {
    return super.busy(...question) + this.#sums.busy(...question);
  }

  leaveOut(leftOut: LeftOut, bytes: Uint8Array): void {
    const width = 2 ** leftOut.level;
    for (const { track, bin, fn, action, status, busy } of readSummary(bytes)) {
      if (action >= ACTIONS.length) throw new Error('the summary is damaged');
      // Several lanes may be busy at once: more than a bin is wide.
      for (let rest = busy; rest > 0; rest -= width) {
        const start = bin * width;
        const stop = start + Math.min(rest, width);
        this.#sums.push({ track, record: fn, fn, status, action, start, stop, origin: 0 });
      }
    }
    this.leftOut = leftOut;
  }
}

/** What the server would say of the present: its messages, and the state among them. */
export function presentOf(
  head: ReportHead,
  bytes: Uint8Array,
): { readonly messages: readonly Uint8Array<ArrayBuffer>[]; readonly state: StateBatch } {
  let state: StateBatch | null = null;
  const messages = splitMessages(bytes).map((bytes) => {
    const message = decode(bytes);
    if (message.kind !== 'state') return bytes;
    state = { ...message.batch, tracks: unpackTracks(head.tracks, head.strings.worker) };
    return encode({ kind: 'state', batch: state });
  });
  if (state === null) throw new Error('the file says nothing of its cluster');
  return { messages, state };
}

/** The history that a report holds, as its server's store had it, with the same numbers for functions, workers and rows. */
export class ReportStore extends Store {
  override readonly slices = new ReportSlices((record) => this.records.fn.at(record));
  readonly #names: ReadNames = {
    intern: (table, text) => this.intern(table, text),
    worker: (track) => this.#workers[track] ?? 0,
  };
  readonly #workers: readonly number[];

  /** `state`: the one in the file. */
  constructor(head: ReportHead, state: StateBatch) {
    super({ monotonic: () => 0 });
    const { cluster, now } = state;
    const workers: number[] = [];
    for (const { track, worker } of state.tracks ?? []) workers[track] = worker;
    this.#workers = workers;
    if (cluster) this.accept({ kind: 'cluster', time: now, ...cluster });
    for (const table of ['function', 'worker'] as const) {
      for (const value of head.strings[table]) this.intern(table, value);
    }
    // Each row makes the next one of its worker, so that all get the numbers that they had.
    for (const { worker, address, name, host, slot } of state.tracks ?? []) {
      this.tracks.addWorker(worker, { address, name, host, nthreads: slot + 1 }, this.seq);
    }
    for (const { cluster: id, start, stop, records, erred } of state.runs ?? []) {
      this.runs.setCluster(id);
      this.runs.touch(toMicros(start), toMicros(stop), records, erred);
    }
    this.accept({ kind: 'link', state: 'connected', time: now, reason: '' });
    this.accept({ kind: 'tick', time: now });
  }

  /** Takes a chunk of records, the oldest first. */
  *fill(chunk: RecordsChunk): Generator<undefined, void> {
    const { records, slices } = this;
    for (const { slices: own, error, ...row } of readRecords(chunk, this.#names)) {
      const record = records.length;
      const { track, fn, status } = row;
      for (const { action, start, stop, origin } of own) {
        slices.push({ track, record, fn, status, action, start, stop, origin });
      }
      records.push(row);
      if (error !== undefined) records.errors.push(record, error);
      if (records.length % 4_096 === 0) yield;
    }
  }
}
