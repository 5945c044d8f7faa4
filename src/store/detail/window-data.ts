import {
  groupSize,
  type SharesBatch,
  type SlicesBatch,
  type WindowBatch,
  type WindowQuery,
} from '../../model/batch.ts';
import { GroupShares } from './group-shares.ts';

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
      const added = gather(batch, order.subarray(from, to));
      const known = this.#slices.get(track);
      this.#slices.set(track, known === undefined ? added : merge(known, added));
      this.#groups?.change(track, added.start[0]!, Math.max(...added.stop));
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
      const known = this.#shares.get(track);
      let keep = 0;
      if (known !== undefined) while (keep < known.length && known.bin[keep]! < batch.from[i]!) keep++;
      this.#shares.set(track, {
        length: keep + to - from,
        bin: join(Uint16Array, known?.bin, keep, batch.bin, from, to),
        category: join(Uint16Array, known?.category, keep, batch.category, from, to),
        busy: joinBusy(known?.busy, keep, batch.busy, from, to),
        lanes: this.#lanes.get(track) ?? 1,
      });
    }
  }
}

function join<T extends Uint16Array | Uint32Array>(
  make: new (length: number) => T,
  head: T | undefined,
  keep: number,
  tail: T,
  from: number,
  to: number,
): T {
  // An answer that replaces everything lies in its message as it is needed.
  if (keep === 0) return tail.subarray(from, to) as T;
  const joined = new make(keep + to - from);
  if (head !== undefined) joined.set(head.subarray(0, keep));
  joined.set(tail.subarray(from, to), keep);
  return joined;
}

function joinBusy(
  head: TrackShares['busy'] | undefined,
  keep: number,
  tail: TrackShares['busy'],
  from: number,
  to: number,
): TrackShares['busy'] {
  if (keep === 0) return tail.subarray(from, to);
  const joined = tail instanceof Float64Array ? new Float64Array(keep + to - from) : new Uint32Array(keep + to - from);
  if (head !== undefined) joined.set(head.subarray(0, keep));
  joined.set(tail.subarray(from, to), keep);
  return joined;
}

type Times = Pick<TrackSlices, 'start' | 'record' | 'stop'>;

/** In whatever order they came: what overlaps is drawn the same way each time. */
function compare(a: Times, i: number, b: Times, j: number): number {
  return a.start[i]! - b.start[j]! || a.record[i]! - b.record[j]! || a.stop[i]! - b.stop[j]!;
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

function newSlices(length: number): TrackSlices {
  return {
    length,
    record: new Uint32Array(length),
    category: new Uint32Array(length),
    fn: new Uint32Array(length),
    start: new Float64Array(length),
    stop: new Float64Array(length),
  };
}

function copyRow(from: Omit<TrackSlices, 'length'>, row: number, to: TrackSlices, at: number): void {
  to.record[at] = from.record[row]!;
  to.category[at] = from.category[row]!;
  to.fn[at] = from.fn[row]!;
  to.start[at] = from.start[row]!;
  to.stop[at] = from.stop[row]!;
}
