import { naturalOrder } from '../../base/natural-order.ts';
import { FIRST_GROUP, type GroupQuery, type TrackView } from '../../model/batch.ts';

export type Grouping = 'none' | 'worker' | 'host';
export type RowOrder = 'worker' | 'name' | 'busy' | 'last';

/** What somebody chose to see of the rows. Plain data: it goes into an address and comes back. */
export interface RowOptions {
  /** Null: by host or by worker, as the cluster suggests. */
  readonly group: Grouping | null;
  readonly order: RowOrder;
  /** Only rows whose worker, address or host contains this. */
  readonly text: string;
  /** Only rows of workers of these names or addresses; empty: all. */
  readonly workers: readonly string[];
  /** Groups are one row each, but for the toggled ones; null: where there are many rows. */
  readonly folded: boolean | null;
  /** Keys of groups that are the other way round. */
  readonly toggled: readonly string[];
  /** Keys of sections that come first. */
  readonly pinned: readonly string[];
}

export const DEFAULT_ROWS: RowOptions = {
  group: null,
  order: 'worker',
  text: '',
  workers: [],
  folded: null,
  toggled: [],
  pinned: [],
};

/** With more tracks than this they are folded until somebody wants otherwise, and a page asks only for the rows it shows. */
export const MANY_TRACKS = 256;

/** What is known of a track beyond its name, for orders that need it; times in µs. */
export interface TrackActivity {
  busy(track: number): number;
  last(track: number): number;
}

/** A row: a track, or a folded group of them. */
export interface RowUnit {
  readonly row: number;
  /** Of a folded group of more than one. */
  readonly group: GroupQuery | null;
  readonly tracks: readonly number[];
}

/** Rows that have one label together. */
export interface RowSection {
  /** What folding and pinning go by. */
  readonly key: string;
  readonly label: string;
  readonly host: string;
  /** The title above it, where it opens a host; null: none. */
  readonly band: string | null;
  /** Key of the group that a click on the band folds; null: it does not. */
  readonly bandKey: string | null;
  readonly alive: boolean;
  /** Null: there is nothing to fold. */
  readonly folded: boolean | null;
  readonly pinned: boolean;
  /** It follows the section above it closely, as a row does. */
  readonly tight: boolean;
  readonly units: readonly RowUnit[];
}

export interface Rows {
  readonly sections: readonly RowSection[];
  readonly group: Grouping;
  /** Groups are one row unless toggled. */
  readonly folded: boolean;
  /** Tracks that there are, filtered or not. */
  readonly tracks: number;
}

export const NO_ROWS: Rows = { sections: [], group: 'worker', folded: false, tracks: 0 };

/** A worker's name as a label: addresses lose what is the same everywhere, bare numbers say what they count. */
export function workerLabel(track: Pick<TrackView, 'name' | 'address'>): string {
  const name = track.name === '' ? track.address : track.name;
  return /^\d+$/.test(name) ? `worker ${name}` : name.replace(/^[a-z]+:\/\//, '');
}

/** Numbers for folded groups: the same group has the same one as long as a page lives, and the same query while its tracks are the same. */
export class GroupNumbers {
  readonly #known = new Map<string, GroupQuery>();

  of(key: string, tracks: readonly number[]): GroupQuery {
    const known = this.#known.get(key);
    const ranges = rangesOf(tracks);
    if (known !== undefined && sameNumbers(known.ranges, ranges)) return known;
    const group = { row: known?.row ?? FIRST_GROUP + 1 + this.#known.size, ranges };
    this.#known.set(key, group);
    return group;
  }
}

/** Distinct numbers as ascending ranges [from, to), flat. */
export function rangesOf(tracks: readonly number[]): number[] {
  const sorted = Uint32Array.from(tracks).sort();
  const ranges: number[] = [];
  for (const track of sorted) {
    if (ranges.at(-1) === track) ranges[ranges.length - 1] = track + 1;
    else ranges.push(track, track + 1);
  }
  return ranges;
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/**
 * Puts tracks into sections: filtered, sorted, grouped, folded. `shows` says whether a track whose worker is gone still has something
 * to show. By host or by worker unless somebody chose; many tracks are folded by host, or by worker where all are on one host.
 */
export function rowsOf(
  tracks: readonly (TrackView | undefined)[],
  options: RowOptions,
  shows: (track: number) => boolean,
  activity: TrackActivity | null,
  numbers: GroupNumbers,
): Rows {
  const there = tracks.filter((t): t is TrackView => t !== undefined && (t.alive || shows(t.track)));
  const sorter = new Sorter(there, options.order, activity);
  const wanted = options.text.trim().toLowerCase();
  const { workers } = options;
  const shown = there.filter(
    (track) =>
      (wanted === '' || matches(track, wanted)) &&
      (workers.length === 0 || workers.includes(track.name) || workers.includes(track.address)),
  );
  const many = there.length > MANY_TRACKS;
  const group = options.group ?? (many && sorter.hosts > 1 ? 'host' : 'worker');
  const folded = options.folded ?? many;
  const context: Context = { options, group, folded: folded && group !== 'none', numbers, hosts: sorter.hosts };
  const blocks = [...blocksOf(shown, group)].map(([key, of]) => ({ key, tracks: of.sort(sorter.compare) }));
  blocks.sort((a, b) => sorter.compareBlocks(a.tracks, b.tracks));
  const pinned = blocks.filter(({ key }) => options.pinned.includes(key));
  const rest = pinned.length === 0 ? blocks : blocks.filter(({ key }) => !options.pinned.includes(key));
  const sections: RowSection[] = [];
  for (const block of pinned) sections.push(...sectionsOf(block, context, true, sections.at(-1)));
  for (const block of rest) sections.push(...sectionsOf(block, context, false, sections.at(-1)));
  return { sections, group, folded: context.folded, tracks: there.length };
}

interface Block {
  readonly key: string;
  readonly tracks: readonly TrackView[];
}

interface Context {
  readonly options: RowOptions;
  readonly group: Grouping;
  readonly folded: boolean;
  readonly numbers: GroupNumbers;
  readonly hosts: number;
}

function matches(track: TrackView, wanted: string): boolean {
  const texts = [track.name, track.address, track.host, workerLabel(track)];
  return texts.some((text) => text.toLowerCase().includes(wanted));
}

const workerKey = (track: TrackView): string => `w ${track.host} ${track.name} ${track.address}`;

function blocksOf(tracks: readonly TrackView[], group: Grouping): Map<string, TrackView[]> {
  const blocks = new Map<string, TrackView[]>();
  for (const track of tracks) {
    const worker = workerKey(track);
    const key = group === 'host' ? `h ${track.host}` : group === 'worker' ? worker : `${worker} ${track.slot}`;
    const block = blocks.get(key);
    if (block === undefined) blocks.set(key, [track]);
    else block.push(track);
  }
  return blocks;
}

/** The sections of a group: one row where it is folded, one section a worker where it is not. */
function sectionsOf(block: Block, context: Context, pinned: boolean, before: RowSection | undefined): RowSection[] {
  const { options, group, numbers, hosts } = context;
  const { key, tracks } = block;
  const first = tracks[0]!;
  const common = { host: first.host, pinned };
  const alive = tracks.some((track) => track.alive);
  if (group === 'none') {
    const label = `${workerLabel(first)} · ${first.slot}`;
    // Pinned rows stand apart from the others.
    const tight = before !== undefined && before.pinned === pinned;
    return [{ ...common, key, label, band: null, bandKey: null, alive, folded: null, tight, units: [unitOf(first)] }];
  }
  const foldable = tracks.length > 1;
  // Among folded groups one of a single row is a row like the others.
  if (!foldable && context.folded) {
    const tight = before !== undefined && before.pinned === pinned && before.units.length === 1;
    const label = workerLabel(first);
    return [{ ...common, key, label, band: null, bandKey: null, alive, folded: null, tight, units: [unitOf(first)] }];
  }
  const folded = foldable && context.folded !== options.toggled.includes(key);
  if (folded) {
    const label = group === 'host' ? first.host : workerLabel(first);
    const query = numbers.of(
      key,
      tracks.map(({ track }) => track),
    );
    const unit = { row: query.row, group: query, tracks: tracks.map(({ track }) => track) };
    const band = opensHost(before, first, pinned, context) ? first.host : null;
    const tight = band === null && before?.pinned === pinned && before.units.length === 1;
    return [{ ...common, key, label, band, bandKey: null, alive, folded, tight, units: [unit] }];
  }
  const byWorker = group === 'worker' ? [tracks] : [...blocksOf(tracks, 'worker').values()];
  return byWorker.map((of, i): RowSection => {
    const worker = of[0]!;
    const opens = i === 0 && ((group === 'host' && hosts > 1) || opensHost(before, first, pinned, context));
    return {
      ...common,
      key,
      label: workerLabel(worker),
      band: opens ? first.host : null,
      bandKey: opens && group === 'host' && foldable ? key : null,
      alive: of.some((track) => track.alive),
      folded: group === 'worker' && foldable ? false : null,
      tight: false,
      units: of.map(unitOf),
    };
  });
}

/** Workers have the name of their host above them where they lie host by host, unless they are all folded. */
function opensHost(
  before: RowSection | undefined,
  first: TrackView,
  pinned: boolean,
  { folded, group, hosts, options }: Context,
): boolean {
  if (group !== 'worker' || hosts < 2 || folded || pinned || options.order !== 'worker') return false;
  return before === undefined || before.pinned || before.host !== first.host;
}

function unitOf({ track }: TrackView): RowUnit {
  return { row: track, group: null, tracks: [track] };
}

/** Compares tracks by an order; names are compared once each, not once a track. */
class Sorter {
  readonly hosts: number;
  readonly #hosts: ReadonlyMap<string, number>;
  readonly #names: ReadonlyMap<string, number>;
  readonly #order: RowOrder;
  readonly #activity: TrackActivity | null;

  constructor(tracks: readonly TrackView[], order: RowOrder, activity: TrackActivity | null) {
    this.#hosts = ranks(tracks.map(({ host }) => host));
    this.#names = ranks(tracks.map(({ name }) => name));
    this.hosts = this.#hosts.size;
    this.#order = order;
    this.#activity = activity;
  }

  readonly compare = (a: TrackView, b: TrackView): number => {
    const activity = this.#activity;
    if (activity !== null && this.#order === 'busy') {
      const by = activity.busy(b.track) - activity.busy(a.track);
      if (by !== 0) return by;
    }
    if (activity !== null && this.#order === 'last') {
      const by = compareNumbers(activity.last(b.track), activity.last(a.track));
      if (by !== 0) return by;
    }
    return this.#byName(a, b);
  };

  /** Groups by the mean of their tracks, or by the last to have done something. */
  compareBlocks(a: readonly TrackView[], b: readonly TrackView[]): number {
    const activity = this.#activity;
    if (activity !== null && this.#order === 'busy') {
      const mean = (tracks: readonly TrackView[]): number =>
        tracks.reduce((sum, { track }) => sum + activity.busy(track), 0) / tracks.length;
      const by = mean(b) - mean(a);
      if (by !== 0) return by;
    }
    return this.compare(a[0]!, b[0]!);
  }

  #byName(a: TrackView, b: TrackView): number {
    const host = this.#hosts.get(a.host)! - this.#hosts.get(b.host)!;
    const name = this.#names.get(a.name)! - this.#names.get(b.name)!;
    return (
      (this.#order === 'name' ? name || host : host || name) ||
      (a.address < b.address ? -1 : a.address > b.address ? 1 : 0) ||
      a.slot - b.slot ||
      a.track - b.track
    );
  }
}

function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The place of each text in the order in which people count. */
function ranks(texts: readonly string[]): Map<string, number> {
  return new Map([...new Set(texts)].sort(naturalOrder).map((text, rank) => [text, rank]));
}
