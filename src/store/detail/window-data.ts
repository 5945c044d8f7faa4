import {
  groupSize,
  type SharesBatch,
  type SlicesBatch,
  type WindowBatch,
  type WindowQuery,
} from '../../model/batch.ts';
import { GroupShares } from './group-shares.ts';
import { GrowingShares } from './growing-shares.ts';

/** New memory for slices that grow has room for so many times as many. */
const ROOM = 1.5;
/** Two times, and three numbers. */
const SLICE_BYTES = 28;

/** The slices of one track, sorted by start; of those that start together the older record's first. */
export interface TrackSlices {
  readonly length: number;
  readonly record: Uint32Array;
  readonly category: Uint32Array;
  readonly fn: Uint32Array;
  readonly start: Float64Array;
  readonly stop: Float64Array;
}

/** The busy time of one track, sorted by bin and category. `bin` counts from the window's first bin. */
export interface TrackShares {
  readonly length: number;
  readonly bin: Uint16Array;
  readonly category: Uint16Array;
  readonly busy: Uint32Array | Float64Array;
  /** How many tracks it is the sum of: their wall time together is so many bins wide. */
  readonly lanes: number;
  /** Of a row that grows: its memory, and how many changes had been made to it. */
  readonly growth?: { readonly of: GrowingShares; readonly step: number };
}

/** One open window as the page knows it: the answers to its query, put together. */
export class WindowData {
  query: WindowQuery | null = null;
  mode: 'empty' | 'slices' | 'shares' = 'empty';
  /** Bin width of the shares, of groups too that came as slices, is 2^level µs. */
  level = 0;
  /** Number of the first bin since epoch. */
  firstBin = 0;
  /** +1 for every batch that was applied. */
  version = 0;

  #slices = new Map<number, TrackSlices>();
  #shares = new Map<number, TrackShares>();
  #lanes: ReadonlyMap<number, number> = new Map();
  /** Of groups, when their tracks came as slices. */
  #groups: GroupShares | null = null;

  /** Tracks that have anything in this window. */
  tracks(): IterableIterator<number> {
    return this.mode === 'shares' ? this.#shares.keys() : this.#slices.keys();
  }

  slicesOf(track: number): TrackSlices | undefined {
    return this.#slices.get(track);
  }

  /** Of a track when it came as shares, of a group always. */
  sharesOf(row: number): TrackShares | undefined {
    return this.#groups === null ? this.#shares.get(row) : this.#groups.of(row);
  }

  apply(batch: WindowBatch): void {
    if (batch.reset) {
      this.query = batch.query;
      this.#lanes = new Map(batch.query.groups?.map((group) => [group.row, groupSize(group)]));
      this.#slices = new Map();
      this.#shares = new Map();
      const grouped = batch.mode === 'slices' && (batch.query.groups?.length ?? 0) > 0;
      this.#groups = grouped ? new GroupShares(batch.query, (track) => this.#slices.get(track)) : null;
    }
    this.mode = batch.mode;
    if (batch.mode === 'slices') this.#applySlices(batch);
    else this.#applyShares(batch);
    if (this.#groups !== null) ({ level: this.level, firstBin: this.firstBin } = this.#groups.grid);
    this.version++;
  }

  #applySlices(batch: SlicesBatch): void {
    const order = Uint32Array.from(batch.track.keys());
    order.sort((a, b) => batch.track[a]! - batch.track[b]! || compare(batch, a, batch, b));
    for (let from = 0; from < order.length; ) {
      const track = batch.track[order[from]!]!;
      let to = from + 1;
      while (to < order.length && batch.track[order[to]!] === track) to++;
      const rows = order.subarray(from, to);
      this.#slices.set(track, join(this.#slices.get(track), batch, rows));
      this.#groups?.change(track, batch.start[rows[0]!]!, lastStop(batch, rows));
      from = to;
    }
  }

  #applyShares(batch: SharesBatch): void {
    this.level = batch.level;
    this.firstBin = batch.firstBin;
    for (let i = 0; i < batch.track.length; i++) {
      const track = batch.track[i]!;
      const from = batch.offset[i]!;
      const to = batch.offset[i + 1]!;
      const lanes = this.#lanes.get(track) ?? 1;
      const known = this.#shares.get(track);
      // An answer that replaces everything lies in its message as it is needed.
      if (known === undefined || batch.from[i] === 0) {
        this.#shares.set(track, {
          length: to - from,
          bin: batch.bin.subarray(from, to),
          category: batch.category.subarray(from, to),
          busy: batch.busy.subarray(from, to),
          lanes,
        });
        continue;
      }
      const growing = known.growth?.of ?? new GrowingShares(known);
      growing.cut(batch.from[i]!, to - from);
      growing.append(batch, from, to);
      this.#shares.set(track, growing.state(lanes));
    }
  }
}

type Times = Pick<TrackSlices, 'start' | 'record' | 'stop'>;

/** In whatever order they came: what overlaps is drawn the same way each time. */
function compare(a: Times, i: number, b: Times, j: number): number {
  return a.start[i]! - b.start[j]! || a.record[i]! - b.record[j]! || a.stop[i]! - b.stop[j]!;
}

function lastStop({ stop }: Times, rows: Uint32Array): number {
  let last = Number.NEGATIVE_INFINITY;
  for (const row of rows) last = Math.max(last, stop[row]!);
  return last;
}

/**
 * A track's slices with some rows of a batch, which are in their order. What comes behind all that is known is put there, into memory
 * that has room for more: of it, states before have none.
 */
function join(known: TrackSlices | undefined, batch: SlicesBatch, rows: Uint32Array): TrackSlices {
  if (known === undefined) return gather(batch, rows);
  if (compare(known, known.length - 1, batch, rows[0]!) > 0) return merge(known, gather(batch, rows));
  const joined = grown(known, known.length + rows.length);
  for (let i = 0; i < rows.length; i++) copyRow(batch, rows[i]!, joined, known.length + i);
  return joined;
}

/** So many slices, the first of which are known: in the same memory, where that has room. */
function grown(known: TrackSlices, length: number): TrackSlices {
  const memory = known.start.buffer as ArrayBuffer;
  if (length * SLICE_BYTES <= memory.byteLength) return columnsIn(memory, length);
  const out = newSlices(length, Math.ceil(length * ROOM));
  for (const column of ['record', 'category', 'fn', 'start', 'stop'] as const) out[column].set(known[column]);
  return out;
}

function gather(batch: SlicesBatch, rows: Uint32Array): TrackSlices {
  const out = newSlices(rows.length);
  for (let i = 0; i < rows.length; i++) copyRow(batch, rows[i]!, out, i);
  return out;
}

/** Both sorted. */
function merge(a: TrackSlices, b: TrackSlices): TrackSlices {
  const out = newSlices(a.length + b.length);
  for (let i = 0, j = 0, k = 0; k < out.length; k++) {
    const fromA = j >= b.length || (i < a.length && compare(a, i, b, j) <= 0);
    if (fromA) copyRow(a, i++, out, k);
    else copyRow(b, j++, out, k);
  }
  return out;
}

/** Slices that nothing is known of yet, with room for more. */
function newSlices(length: number, capacity = length): TrackSlices {
  return columnsIn(new ArrayBuffer(capacity * SLICE_BYTES), length);
}

/** Columns one after the other in memory of their own, each with as much room: one piece of it costs a browser less than five. */
function columnsIn(memory: ArrayBuffer, length: number): TrackSlices {
  const capacity = memory.byteLength / SLICE_BYTES;
  return {
    length,
    start: new Float64Array(memory, 0, length),
    stop: new Float64Array(memory, 8 * capacity, length),
    record: new Uint32Array(memory, 16 * capacity, length),
    category: new Uint32Array(memory, 20 * capacity, length),
    fn: new Uint32Array(memory, 24 * capacity, length),
  };
}

function copyRow(from: Omit<TrackSlices, 'length'>, row: number, to: TrackSlices, at: number): void {
  to.record[at] = from.record[row]!;
  to.category[at] = from.category[row]!;
  to.fn[at] = from.fn[row]!;
  to.start[at] = from.start[row]!;
  to.stop[at] = from.stop[row]!;
}
