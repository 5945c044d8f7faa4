import { type GroupQuery, levelFor, MAX_LEVEL, type WindowFilter, type WindowQuery } from '../../../model/batch.ts';
import type { Micros } from '../../../model/units.ts';
import type { Moving } from './rest.ts';

/** What a view does that its windows go by: `opens` until its first picture is drawn. */
export type Moves = Moving | 'opens';

/** What a stream looks at, in epoch microseconds. */
export interface Looking {
  readonly since: Micros;
  readonly until: Micros;
  /** Width of a device pixel, µs. */
  readonly perPixel: number;
  /** The scheduler's clock. */
  readonly now: Micros;
  readonly functions: readonly number[] | null;
  /** What does not match it fades. */
  readonly filter?: WindowFilter | null;
  /** What is there is single slices, which are exact at any zoom. */
  readonly slices?: boolean;
  /** Somebody moves it right now: of many rows a coarser picture comes sooner, the exact one when it has come to rest. */
  readonly moving?: Moves;
  /** The current query has not been answered. */
  readonly waiting?: boolean;
}

/** Rows that a view needs data for: those on screen, and those to ask for, which are some more. */
export interface RowsWanted {
  /** Null: all tracks. */
  readonly tracks: { readonly shown: readonly number[]; readonly ask: () => readonly number[] } | null;
  readonly groups?: { readonly shown: readonly GroupQuery[]; readonly ask: () => readonly GroupQuery[] };
}
export const ALL_TRACKS: RowsWanted = { tracks: null };

/** Up to this many slices come one by one; beyond, as exact shares. */
export const MAX_SLICES = 6_000;
/**
 * The same of folded groups: those are not drawn one by one, and sums in their place are more to send. Of a window that grows, sums are
 * sent again and again: a thousand workers whose tasks take some seconds stay below this.
 */
const MAX_SLICES_OF_GROUPS = 16_000;
const MAX_SLICES_OF_OPEN_GROUPS = 48_000;
/** Asked for on each side, in widths of the view; what a pan shows at once in full detail. */
const MARGIN = 0.75;
/** More rows than this are seldom looked at one by one: less beside them. */
const MANY_ROWS = 40;
const MARGIN_OF_MANY = 0.3;
/** The same of many rows while they move: zooming soon needs what lies around, the first picture nothing but itself. */
const MARGINS = { no: MARGIN_OF_MANY, pans: MARGIN_OF_MANY, zooms: 0.5, opens: 0.02 } as const satisfies Record<
  Moves,
  number
>;
/** Up to so many rows are asked for exactly while they are moved. */
const MOVED_EXACTLY = 24;
/** More of them are drawn in bins 2^COARSER times as wide while they are zoomed … */
export const COARSER = 2;
/**
 * … and asked for in bins 2^this times as wide: answers of hundreds of kilobytes instead of megabytes. Folded rows, whose bins hold
 * several times as much, are drawn in these from the start.
 */
export const ASKED_COARSER = 3;

/** So many bins of rows at most: some dozens of bytes each. */
const MOST_CELLS = 24_576;
/** The same of folded rows, in which more functions meet. */
const MOST_CELLS_OF_GROUPS = 18_432;

/** Whether so many rows are shown coarsely while they are moved. */
export function movedCoarsely(rows: number): boolean {
  return rows > MOVED_EXACTLY;
}

/** With less than this left on a side that has more to show, the window moves. */
const LEFT_OVER = 0.2;
/** A window that holds this many widths left of the view is asked for anew: a page that follows for days stays small. */
const WIDEST = 3;

/** The query that serves a view best; `current` stays (the same object) as long as it will do. */
export function planWindow(current: WindowQuery | null, looking: Looking, rows: RowsWanted = ALL_TRACKS): WindowQuery {
  const { moving = 'no' } = looking;
  const shown = shownOf(rows);
  const coarse = moving !== 'no' && movedCoarsely(shown);
  const wide = looking.until - looking.since;
  const exact = levelFor(looking.perPixel);
  const level = coarse
    ? coarseLevel(exact, moving, shown * wide, rows.groups === undefined ? MOST_CELLS : MOST_CELLS_OF_GROUPS)
    : exact;
  // What is finer than that can be made coarser where it is drawn; and before there is a page, its width is a guess.
  const fits = ({ level: of, quick }: WindowQuery): boolean =>
    looking.slices === true ||
    (coarse
      ? of <= level + (moving === 'opens' ? 1 : 0) && (quick === true || looking.waiting !== true)
      : of === exact && quick === undefined);
  if (current !== null && fits(current) && serves(current, looking) && servesRows(current, rows)) return current;
  const bin = 2 ** level;
  const asked = <T>(
    of: { readonly shown: readonly T[]; readonly ask: () => readonly T[] } | null,
  ): readonly T[] | undefined => (of === null ? undefined : coarse ? of.shown : of.ask());
  const groups = asked(rows.groups ?? null);
  const tracks = groups === undefined ? asked(rows.tracks) : [];
  const many = (tracks?.length ?? 0) + (groups?.length ?? 0) > MANY_ROWS;
  const margin = coarse ? MARGINS[moving] : many ? MARGIN_OF_MANY : MARGIN;
  const since = Math.max(0, Math.floor((looking.since - wide * margin) / bin) * bin);
  const end = Math.ceil((looking.until + wide * margin) / bin) * bin;
  // Whatever may still grow is watched as it grows.
  const until = end >= looking.now ? null : Math.max(end, since + bin);
  const slicesOfGroups = until === null ? MAX_SLICES_OF_OPEN_GROUPS : MAX_SLICES_OF_GROUPS;
  return {
    since,
    until,
    level,
    functions: looking.functions,
    ...(tracks !== undefined && { tracks }),
    ...(groups !== undefined && { groups }),
    ...(looking.filter && { filter: looking.filter }),
    maxSlices: groups === undefined ? MAX_SLICES : coarse ? 0 : slicesOfGroups,
    ...(coarse && { quick: true }),
  };
}

/** The level to ask at while a view moves: what it takes to stay below so many cells for rows of `time` µs in all. */
function coarseLevel(exact: number, moving: Moves, time: number, cells: number): number {
  const all = time * (1 + 2 * MARGINS[moving]);
  const least = exact + (moving === 'pans' ? COARSER : ASKED_COARSER);
  return Math.min(MAX_LEVEL, Math.max(least, Math.ceil(Math.log2(all / cells))));
}

const askedFor = new WeakMap<WindowQuery, ReadonlySet<number>>();

/** The tracks that a query names; null: all. */
export function askedTracks(query: WindowQuery): ReadonlySet<number> | null {
  if (query.tracks === undefined || query.tracks === null) return null;
  let set = askedFor.get(query);
  if (set === undefined) {
    set = new Set(query.tracks);
    askedFor.set(query, set);
  }
  return set;
}

/** Whether a query asks for all rows on screen. */
function servesRows(query: WindowQuery, { tracks, groups }: RowsWanted): boolean {
  if (groups !== undefined) {
    const asked = query.groups;
    return asked !== undefined && groups.shown.every((group) => asked.some((other) => sameGroup(group, other)));
  }
  if (query.groups !== undefined) return false;
  const asked = askedTracks(query);
  if (asked === null || tracks === null) return asked === null;
  return tracks.shown.every((track) => asked.has(track));
}

function sameGroup(a: GroupQuery, b: GroupQuery): boolean {
  return a === b || (a.row === b.row && sameFunctions(a.ranges, b.ranges));
}

function sameGroups(a: WindowQuery['groups'], b: WindowQuery['groups']): boolean {
  if (a === undefined || b === undefined || a === b) return a === b;
  return a.length === b.length && a.every((group, i) => sameGroup(group, b[i]!));
}

function shownOf({ groups, tracks }: RowsWanted): number {
  return (groups ?? tracks)?.shown.length ?? 0;
}

function serves(query: WindowQuery, looking: Looking): boolean {
  if (!sameFunctions(query.functions, looking.functions) || !sameFilter(query.filter, looking.filter)) return false;
  const wide = looking.until - looking.since;
  const spare = looking.moving === 'opens' ? 0 : wide * LEFT_OVER;
  if (query.since > 0 && query.since > looking.since - spare) return false;
  if (query.until !== null) return query.until >= looking.until + spare || query.until >= looking.now + spare;
  return looking.since - query.since <= wide * WIDEST;
}

export function sameFunctions(a: readonly number[] | null, b: readonly number[] | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((fn, i) => fn === b[i]);
}

function sameFilter(a: WindowFilter | null = null, b: WindowFilter | null = null): boolean {
  // Written in the same order wherever they are made.
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** What the whole history is drawn from: the minimap, and whatever of a view has no better data yet. */
export interface History {
  /** Where it begins; null while there is none. */
  readonly start: Micros | null;
  /** Where it ends: idle time after that does not make it coarser. */
  readonly stop: Micros;
  /** Columns wanted over all of it. */
  readonly columns: number;
  readonly functions: readonly number[] | null;
  readonly filter?: WindowFilter | null;
  /** The sum of all tracks alone, where there are many; null: each of them. */
  readonly sum: GroupQuery | null;
}

/** Shares of all history, coarse; asked for anew when it has doubled, or begins earlier, or functions change. */
export function planOverview(current: WindowQuery | null, history: History): WindowQuery | null {
  if (history.start === null) return current;
  const level = levelFor(Math.max(1, history.stop - history.start) / history.columns);
  const start = Math.floor(history.start / 2 ** level) * 2 ** level;
  const groups = history.sum === null ? undefined : [history.sum];
  if (
    current !== null &&
    current.since <= history.start &&
    level - current.level < 1 &&
    current.level - level < 2 &&
    sameFunctions(current.functions, history.functions) &&
    sameFilter(current.filter, history.filter) &&
    sameGroups(current.groups, groups)
  ) {
    return current;
  }
  const rows = groups === undefined ? {} : { tracks: [], groups };
  const filter = history.filter ? { filter: history.filter } : {};
  return { since: start, until: null, level, functions: history.functions, ...rows, ...filter, maxSlices: 0 };
}

/** The part of a window that data are there for, as [since, until); open-ended ones reach for ever. */
export function covered(query: WindowQuery | null): readonly [Micros, Micros] | null {
  return query === null ? null : [query.since, query.until ?? Number.POSITIVE_INFINITY];
}

/** An answer that a busy server needs longer for than this, ms, is given up; sooner, a view that moves would never get one. */
const PATIENCE = 2_000;

/**
 * One question at a time, the latest wins: while an answer is on its way the next question waits, and a newer one takes its place.
 * `asked` must be called when an answer arrived, and `tick` now and then in case one never does.
 */
export class LatestQuery {
  readonly #ask: (query: WindowQuery) => void;
  readonly #patience: number;
  #pending: WindowQuery | null = null;
  #inFlight: WindowQuery | null = null;
  #since = 0;

  /** An answer that takes longer than `patience` ms is no longer waited for. */
  constructor(ask: (query: WindowQuery) => void, patience = PATIENCE) {
    this.#ask = ask;
    this.#patience = patience;
  }

  /** What was asked last, or will be. */
  get wanted(): WindowQuery | null {
    return this.#pending ?? this.#inFlight;
  }

  get waiting(): boolean {
    return this.#inFlight !== null;
  }

  want(query: WindowQuery, now: number): void {
    // What was asked of a view at rest is of no use to one that moves.
    const outdated = query.quick === true && this.#inFlight?.quick === undefined;
    if (this.#inFlight !== null && !outdated && now - this.#since < this.#patience) {
      this.#pending = query;
      return;
    }
    this.#send(query, now);
  }

  /** Somebody else has asked this already, and no answer has come. */
  adopt(query: WindowQuery, now: number): void {
    this.#inFlight = query;
    this.#since = now;
  }

  /** Some answer came, to `query`. */
  answered(query: WindowQuery | null, now: number): void {
    if (this.#inFlight === null || query === null || !sameQuery(query, this.#inFlight)) return;
    this.#inFlight = null;
    if (this.#pending !== null) this.#send(this.#pending, now);
  }

  /** Sends what waits once patience has run out. */
  tick(now: number): void {
    if (this.#pending !== null && now - this.#since >= this.#patience) this.#send(this.#pending, now);
  }

  /** Nobody waits for an answer any more. */
  forget(): void {
    this.#pending = null;
    this.#inFlight = null;
  }

  #send(query: WindowQuery, now: number): void {
    this.#pending = null;
    this.#inFlight = query;
    this.#since = now;
    this.#ask(query);
  }
}

export function sameQuery(a: WindowQuery, b: WindowQuery): boolean {
  return (
    a.since === b.since &&
    a.until === b.until &&
    a.level === b.level &&
    a.maxSlices === b.maxSlices &&
    a.quick === b.quick &&
    sameFunctions(a.functions, b.functions) &&
    sameFunctions(a.tracks ?? null, b.tracks ?? null) &&
    sameFilter(a.filter, b.filter) &&
    sameGroups(a.groups, b.groups)
  );
}
