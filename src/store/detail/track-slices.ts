import type { Micros } from '../../model/units.ts';
import { type BlockList, loadLists, saveLists } from '../columns/blocks.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';
import { loadLevels, saveLevels, type TrackLevels } from './levels.ts';

/** What is known of one track beside the blocks of its lists. */
export interface TrackSlices {
  /** By class. */
  readonly lists: (BlockList | undefined)[];
  /** Length of the longest slice, by class: how far before a window its first slice may begin. */
  readonly longest: number[];
  readonly levels: TrackLevels;
  rows: number;
  firstStart: Micros;
  lastStop: Micros;
}

/** Tracks that are put down in one step. */
const TRACKS_A_STEP = 64;

/** All tracks as they are at one moment, put down step by step: one that is about to change before its turn comes first. */
export class TrackCapture {
  readonly #tracks: readonly (TrackSlices | undefined)[];
  readonly #into: StateWriter;
  /** By track: 1 for those that are still to be put down. */
  readonly #left: Uint8Array;
  #next = 0;

  constructor(tracks: readonly (TrackSlices | undefined)[], into: StateWriter) {
    this.#tracks = tracks;
    this.#into = into;
    this.#left = new Uint8Array(tracks.length);
    let there = 0;
    for (let track = 0; track < tracks.length; track++) {
      if (tracks[track] === undefined) continue;
      this.#left[track] = 1;
      there++;
    }
    into.number(there);
  }

  /** A track is about to change. */
  change(track: number): void {
    if (this.#left[track] === 1) this.#put(track);
  }

  /** True when nothing is left. */
  step(): boolean {
    const left = this.#left;
    for (let put = 0; put < TRACKS_A_STEP && this.#next < left.length; this.#next++) {
      if (left[this.#next] === 0) continue;
      this.#put(this.#next);
      put++;
    }
    return this.#next === left.length;
  }

  #put(track: number): void {
    this.#left[track] = 0;
    const of = this.#tracks[track]!;
    const into = this.#into;
    into.numbers([track, of.rows, of.firstStart, of.lastStop, ...of.longest]);
    saveLists(of.lists, into);
    saveLevels(of.levels, into);
  }
}

/** The tracks that a {@link TrackCapture} put down. */
export function loadTracks(from: StateReader): (TrackSlices | undefined)[] {
  const tracks: (TrackSlices | undefined)[] = [];
  for (let left = from.number(); left > 0; left--) {
    const [track = 0, rows = 0, firstStart = 0, lastStop = 0, ...longest] = from.numbers();
    tracks[track] = { lists: loadLists(from), longest, levels: loadLevels(from), rows, firstStart, lastStop };
  }
  return tracks;
}
