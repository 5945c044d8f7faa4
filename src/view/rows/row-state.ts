import type { TrackView } from '../../model/batch.ts';
import type { Activity } from './activity.ts';
import { DEFAULT_ROWS, GroupNumbers, MANY_TRACKS, NO_ROWS, type RowOptions, type Rows, rowsOf } from './row-model.ts';

/** Tracks as a replica holds them. */
export interface TracksKnown {
  readonly tracks: readonly (TrackView | undefined)[];
  readonly tracksVersion: number;
}

/** The rows of one stream: what was chosen of them, worked out anew only when something that counts has changed. */
export class RowState {
  readonly #numbers = new GroupNumbers();
  #options: RowOptions = DEFAULT_ROWS;
  #activity: Activity | null = null;
  #version = -1;
  #gone: readonly number[] = [];
  #goneShown = '';
  #stale = true;
  #many = false;
  rows: Rows = NO_ROWS;

  get options(): RowOptions {
    return this.#options;
  }

  /** Changes some of the options. */
  set(change: Partial<RowOptions>): void {
    this.#options = { ...this.#options, ...change };
    this.#stale = true;
  }

  /** What tracks did in the view, where it was asked for. */
  set activity(activity: Activity | null) {
    this.#activity = activity;
    this.#stale = true;
  }

  /** More tracks than a page asks for all at once. */
  get many(): boolean {
    return this.#many;
  }

  /**
   * Some order goes by what tracks did in view; or workers are gone, whose rows are shown only while they did something, and a page
   * does not have the data of all.
   */
  get needsActivity(): boolean {
    const { order } = this.#options;
    return order === 'busy' || order === 'last' || (this.#many && this.#gone.length > 0);
  }

  /** Folds a group, or unfolds it. */
  toggle(key: string): void {
    const { toggled } = this.#options;
    this.set({ toggled: toggled.includes(key) ? toggled.filter((other) => other !== key) : [...toggled, key] });
  }

  foldAll(folded: boolean): void {
    this.set({ folded, toggled: [] });
  }

  togglePin(key: string): void {
    const { pinned } = this.#options;
    this.set({ pinned: pinned.includes(key) ? pinned.filter((other) => other !== key) : [...pinned, key] });
  }

  /** The rows; the same object as long as nothing changed. `shows` says whether a track has something in view. */
  update(replica: TracksKnown, shows: (track: number) => boolean): Rows {
    if (replica.tracksVersion !== this.#version) {
      this.#version = replica.tracksVersion;
      this.#gone = replica.tracks.flatMap((track) => (track === undefined || track.alive ? [] : [track.track]));
      this.#many = replica.tracks.length > MANY_TRACKS;
      this.#stale = true;
    }
    const activity = this.#activity;
    const has = this.#many ? (track: number) => activity?.has(track) === true : shows;
    const goneShown = this.#many ? '' : this.#gone.filter(has).join();
    if (!this.#stale && goneShown === this.#goneShown) return this.rows;
    this.#stale = false;
    this.#goneShown = goneShown;
    this.rows = rowsOf(replica.tracks, this.#options, has, activity, this.#numbers);
    return this.rows;
  }
}
