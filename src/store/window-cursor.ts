import { Growable } from '../base/growable.ts';
import type { SharesBatch, SlicesBatch, WindowBatch, WindowQuery } from '../model/batch.ts';
import { type Micros, toMicros } from '../model/units.ts';
import { functionFilter, type Grid, gridOver, ShareBinner } from './shares.ts';
import type { Store } from './store.ts';

const binner = new ShareBinner();

/**
 * One viewer's window: first everything in it, then what came to it. Slices while there are few enough to draw one by
 * one, exact shares per bin otherwise. What it sends follows the window, not the history.
 */
export class WindowCursor {
  readonly query: WindowQuery;
  readonly #store: Store;
  readonly #keep: ((slice: number) => boolean) | null;
  #mode: 'new' | 'slices' | 'shares' = 'new';
  /** Slices of the store that were looked at. */
  #seen = 0;
  /** Slices that were sent. */
  #sent = 0;
  #grid: Grid = { level: 0, firstBin: 0, count: 0 };

  constructor(store: Store, query: WindowQuery) {
    this.#store = store;
    this.query = query;
    this.#keep = functionFilter(store.slices, (record) => store.records.fn.at(record), query.functions);
  }

  /** What is new since the last call, or null. The first call always answers. */
  next(): WindowBatch | null {
    if (this.#mode === 'new') return this.#reset();
    const { slices } = this.#store;
    if (slices.length === this.#seen) return null;
    const from = this.#seen;
    this.#seen = slices.length;
    if (this.#mode === 'slices') {
      const added = this.#added(from, this.query.since, this.query.until ?? Number.POSITIVE_INFINITY);
      if (added.length === 0) return null;
      this.#sent += added.length;
      return this.#sent > this.query.maxSlices ? this.#reset() : this.#slicesBatch(added, false);
    }
    return this.#sharesDelta(from);
  }

  #reset(): WindowBatch {
    const { slices, tracks } = this.#store;
    this.#seen = slices.length;
    const { since, until, maxSlices } = this.query;
    const end = until ?? Number.POSITIVE_INFINITY;
    const found: number[] = [];
    for (let track = 0; track < tracks.list.length && found.length <= maxSlices; track++) {
      slices.visit(track, since, end, (slice) => {
        if (this.#keep?.(slice) !== false) found.push(slice);
        return found.length <= maxSlices;
      });
    }
    if (found.length <= maxSlices) {
      this.#mode = 'slices';
      this.#sent = found.length;
      return this.#slicesBatch(found, true);
    }
    this.#mode = 'shares';
    // An open window gets room to grow before its grid has to be made anew.
    const soon = Math.max(toMicros(this.#store.clock()), slices.extent()?.until ?? 0);
    this.#grid = gridOver(since, until ?? soon + (soon - since) / 8 + 2 ** this.query.level, this.query.level);
    const all = Uint32Array.from(tracks.list, (track) => track.track);
    return this.#sharesBatch(all, new Uint32Array(all.length), true);
  }

  /** Slices from number `from` on that overlap [since, until). */
  #added(from: number, since: Micros, until: Micros): number[] {
    const { slices } = this.#store;
    const added: number[] = [];
    for (let slice = from; slice < slices.length; slice++) {
      const inside = slices.stop.at(slice) > since && slices.start.at(slice) < until;
      if (inside && this.#keep?.(slice) !== false) added.push(slice);
    }
    return added;
  }

  #sharesDelta(from: number): WindowBatch | null {
    const { slices } = this.#store;
    const { level, firstBin, count } = this.#grid;
    const width = 2 ** level;
    const open = this.query.until === null;
    // What counts is the grid, whose first and last bins reach beyond the window.
    const until = open ? Number.POSITIVE_INFINITY : (firstBin + count) * width;
    const dirty = new Map<number, Micros>();
    let last = 0;
    for (const slice of this.#added(from, firstBin * width, until)) {
      const track = slices.track.at(slice);
      dirty.set(track, Math.min(dirty.get(track) ?? Number.POSITIVE_INFINITY, slices.start.at(slice)));
      last = Math.max(last, slices.stop.at(slice));
    }
    if (dirty.size === 0) return null;
    if (open && last > (firstBin + count) * width) return this.#reset();
    const tracks = Uint32Array.from(dirty.keys());
    const bins = Uint32Array.from(dirty.values(), (start) => Math.max(0, Math.floor(start / width) - firstBin));
    return this.#sharesBatch(tracks, bins, false);
  }

  #slicesBatch(ids: readonly number[], reset: boolean): SlicesBatch {
    const { slices, records, seq } = this.#store;
    const column = (of: (slice: number) => number): Uint32Array => Uint32Array.from(ids, of);
    return {
      mode: 'slices',
      seq,
      now: this.#store.clock(),
      query: this.query,
      reset,
      record: column((slice) => slices.record.at(slice)),
      track: column((slice) => slices.track.at(slice)),
      category: column((slice) => slices.category.at(slice)),
      fn: column((slice) => records.fn.at(slices.record.at(slice))),
      start: Float64Array.from(ids, (slice) => slices.start.at(slice)),
      stop: Float64Array.from(ids, (slice) => slices.stop.at(slice)),
    };
  }

  #sharesBatch(tracks: Uint32Array, from: Uint32Array, reset: boolean): SharesBatch {
    const bin = new Growable(Uint16Array, 1024);
    const category = new Growable(Uint16Array, 1024);
    const busy = new Growable(Uint32Array, 1024);
    const offset = new Uint32Array(tracks.length + 1);
    for (let i = 0; i < tracks.length; i++) {
      binner.bin(this.#store.slices, tracks[i]!, this.#grid, from[i]!, this.#keep, (b, c, micros) => {
        bin.push(b);
        category.push(Math.min(c, 0xffff));
        busy.push(Math.min(micros, 0xffff_ffff));
      });
      offset[i + 1] = bin.length;
    }
    return {
      mode: 'shares',
      seq: this.#store.seq,
      now: this.#store.clock(),
      query: this.query,
      reset,
      level: this.#grid.level,
      firstBin: this.#grid.firstBin,
      track: tracks,
      from,
      offset,
      bin: bin.slice(),
      category: category.slice(),
      busy: busy.slice(),
    };
  }
}
