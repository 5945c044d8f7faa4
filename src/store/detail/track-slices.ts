import { Growable } from '../../base/growable.ts';
import type { Micros } from '../../model/units.ts';
import type { BlockList } from '../columns/blocks.ts';
import { PagedBytes } from '../paging/paged-bytes.ts';
import { Pager } from '../paging/pager.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';
import { CLASSES, LEVELS, noLevels, type TrackLevels } from './levels.ts';

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
  /** Something came to it since it was last looked at. */
  grew: boolean;
}

/** About so many numbers are put down in one step. */
const NUMBERS_A_STEP = 8_192;
/** Tracks that are looked at together, each time that so many slices came, and for each new track. */
const LOOKED_AT = 64;
const LOOK_EVERY = 4_096;
const LOOKED_AT_NEW = 4;
/** Of tracks with more slices than this their lists are small beside the slices. */
const LARGE = 32_768;
/** Resting tracks that were read last are kept: a power of two. */
const REMEMBERED = 256;
const NUMBER = 8;

/**
 * All tracks. A history gets ever more of them, as workers come and go, and what is known of one takes as much as a hundred slices do:
 * one to which nothing came for a while rests, as bytes in pages. It wakes when something comes to it.
 */
export class TrackTable {
  readonly #pager: Pager;
  readonly #awake = new Map<number, TrackSlices>();
  #hand = this.#awake.entries();
  readonly #lookEvery: number;
  #untilLook: number;
  /** Numbers of the tracks that rest or rested. */
  readonly #resting: PagedBytes;
  /** By track that rests or rested: 1 + where its numbers are, its first start and its last stop; 0: it never did. */
  readonly #places = new Growable(Float64Array);
  readonly #firstStarts = new Growable(Float64Array);
  readonly #lastStops = new Growable(Float64Array);
  readonly #read: TrackSlices[] = [];
  /** Which track that is, by the last bits of its number. */
  readonly #whose = new Int32Array(REMEMBERED).fill(-1);
  /** A checkpoint that waits for some tracks as they are. */
  #capture: TrackCapture | null = null;
  #charged = 0;

  /** `lookEvery`: tracks are looked at each time that so many slices came. */
  constructor(pager = new Pager(), lookEvery = LOOK_EVERY) {
    this.#pager = pager;
    this.#lookEvery = this.#untilLook = lookEvery;
    this.#resting = new PagedBytes(pager);
  }

  /** How many do not rest. */
  get awake(): number {
    return this.#awake.size;
  }

  /** A track to which a slice is about to come; made where there is none. */
  grow(track: number): TrackSlices {
    if (--this.#untilLook === 0) {
      this.#untilLook = this.#lookEvery;
      this.#look(LOOKED_AT);
    }
    this.#capture?.change(track);
    const of = this.#awake.get(track) ?? this.#wake(track);
    of.grew = true;
    return of;
  }

  /** A track that has anything between these times; not to be changed or kept. */
  within(track: number, since: Micros, until: Micros): TrackSlices | null {
    const of = this.#awake.get(track);
    if (of !== undefined) return of.firstStart >= until || of.lastStop <= since ? null : of;
    if (!this.#rests(track) || this.#firstStarts.at(track) >= until || this.#lastStops.at(track) <= since) return null;
    const place = track & (REMEMBERED - 1);
    if (this.#whose[place] !== track) {
      this.#read[place] = this.#take(track);
      this.#whose[place] = track;
    }
    return this.#read[place]!;
  }

  /** -Infinity for one that has nothing. */
  lastStop(track: number): Micros {
    const of = this.#awake.get(track);
    if (of !== undefined) return of.lastStop;
    return this.#rests(track) ? this.#lastStops.at(track) : Number.NEGATIVE_INFINITY;
  }

  /** The last thing that is put down: those that do not rest are left for later. One at a time. */
  save(into: StateWriter): void {
    for (const column of [this.#places, this.#firstStarts, this.#lastStops]) into.numbers(column.view());
    this.#resting.save(into);
    const capture = new TrackCapture(this.#awake, into);
    this.#capture = capture;
    into.later(() => {
      const done = capture.step();
      if (done && this.#capture === capture) this.#capture = null;
      return done;
    });
  }

  load(from: StateReader): void {
    for (const column of [this.#places, this.#firstStarts, this.#lastStops]) column.append(from.numbers());
    this.#resting.load(from);
    this.#charge();
    for (let left = from.number(); left > 0; left--) {
      const track = from.number();
      this.#awake.set(track, slicesOf(from.numbers()));
    }
  }

  #rests(track: number): boolean {
    return track < this.#places.length && this.#places.at(track) > 0;
  }

  /** Puts to rest those of the next few tracks to which nothing came since they were last looked at. */
  #look(most: number): void {
    for (let left = Math.min(most, this.#awake.size); left > 0; left--) {
      const { value, done } = this.#hand.next();
      if (done === true) {
        this.#hand = this.#awake.entries();
        continue;
      }
      const [track, of] = value;
      if (!of.grew && of.rows <= LARGE) this.#rest(track, of);
      of.grew = false;
    }
  }

  #rest(track: number, of: TrackSlices): void {
    const numbers = numbersOf(of);
    while (this.#places.length <= track) {
      for (const column of [this.#places, this.#firstStarts, this.#lastStops]) column.push(0);
    }
    this.#places.set(track, 1 + this.#resting.length);
    this.#firstStarts.set(track, of.firstStart);
    this.#lastStops.set(track, of.lastStop);
    const bytes = new Uint8Array(Float64Array.of(numbers.length, ...numbers).buffer);
    this.#resting.append(bytes, bytes.length);
    this.#awake.delete(track);
    this.#charge();
  }

  #wake(track: number): TrackSlices {
    const rests = this.#rests(track);
    const of = rests ? this.#take(track) : noSlices();
    if (rests) {
      const place = track & (REMEMBERED - 1);
      if (this.#whose[place] === track) this.#whose[place] = -1;
    } else {
      this.#look(LOOKED_AT_NEW);
    }
    this.#awake.set(track, of);
    return of;
  }

  /** What was put to rest; nothing where its page is damaged. */
  #take(track: number): TrackSlices {
    const at = this.#places.at(track) - 1;
    const [count = 0] = this.#numbers(at, 1);
    return count === 0 ? noSlices() : slicesOf(this.#numbers(at + NUMBER, count));
  }

  #numbers(at: number, count: number): Float64Array {
    const { buffer, byteOffset } = this.#resting.at(at, at + count * NUMBER);
    return new Float64Array(buffer, byteOffset, count);
  }

  #charge(): void {
    const bytes = 3 * this.#places.raw.byteLength;
    if (bytes === this.#charged) return;
    this.#pager.charge(bytes - this.#charged);
    this.#charged = bytes;
  }
}

/** Tracks as they are at one moment, put down step by step: one that is about to change before its turn comes first. */
class TrackCapture {
  readonly #into: StateWriter;
  /** Those that are still to be put down. */
  readonly #left: Map<number, TrackSlices>;

  constructor(tracks: ReadonlyMap<number, TrackSlices>, into: StateWriter) {
    this.#into = into;
    this.#left = new Map(tracks);
    into.number(tracks.size);
  }

  /** A track is about to change. */
  change(track: number): void {
    const of = this.#left.get(track);
    if (of !== undefined) this.#put(track, of);
  }

  /** True when nothing is left. */
  step(): boolean {
    let put = 0;
    for (const [track, of] of this.#left) {
      if (put >= NUMBERS_A_STEP) break;
      put += this.#put(track, of);
    }
    return this.#left.size === 0;
  }

  /** Returns how many numbers that took. */
  #put(track: number, of: TrackSlices): number {
    this.#left.delete(track);
    const numbers = numbersOf(of);
    this.#into.number(track);
    this.#into.numbers(numbers);
    return numbers.length;
  }
}

function noSlices(): TrackSlices {
  return {
    // Of a length from the start: assigned one by one, there would be room for 25.
    lists: new Array<BlockList | undefined>(CLASSES),
    longest: new Array<number>(CLASSES).fill(0),
    levels: noLevels(),
    rows: 0,
    firstStart: Number.POSITIVE_INFINITY,
    lastStop: Number.NEGATIVE_INFINITY,
    grew: false,
  };
}

/** A track in numbers: its own, then of each list its rows (-1: there is none), and its blocks with their count before them. */
function numbersOf({ rows, firstStart, lastStop, longest, levels, lists }: TrackSlices): number[] {
  const numbers = [rows, firstStart, lastStop, ...longest, ...levels.tryAt];
  const put = (list: BlockList | undefined): void => {
    if (list === undefined) {
      numbers.push(-1);
      return;
    }
    numbers.push(list.rows, list.blocks.length);
    for (const block of list.blocks) numbers.push(block);
  };
  for (let index = 0; index < CLASSES; index++) put(lists[index]);
  for (let index = 0; index < LEVELS.length; index++) put(levels.lists[index]);
  return numbers;
}

function slicesOf(numbers: Float64Array): TrackSlices {
  let at = 0;
  const next = (): number => numbers[at++]!;
  const of = noSlices();
  of.rows = next();
  of.firstStart = next();
  of.lastStop = next();
  for (let index = 0; index < CLASSES; index++) of.longest[index] = next();
  for (let index = 0; index < LEVELS.length; index++) of.levels.tryAt[index] = next();
  const take = (): BlockList | undefined => {
    const rows = next();
    if (rows < 0) return undefined;
    const blocks = new Array<number>(next());
    for (let place = 0; place < blocks.length; place++) blocks[place] = next();
    return { rows, blocks };
  };
  for (let index = 0; index < CLASSES; index++) of.lists[index] = take();
  for (let index = 0; index < LEVELS.length; index++) of.levels.lists[index] = take();
  return of;
}
