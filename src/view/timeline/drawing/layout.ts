import type { GroupQuery } from '../../../model/batch.ts';
import type { RowSection } from '../../rows/row-model.ts';

/** One drawn row: a track or a folded group, and its place, in device pixels from the top of the whole stack of rows. */
export interface Row {
  /** The number under which data come: a track's, or a group's. */
  readonly track: number;
  readonly y: number;
  readonly height: number;
  /** Index into `groups`. */
  readonly group: number;
  /** What a folded group asks for; null for a track. */
  readonly query: GroupQuery | null;
  /** The tracks that it shows: one, or those of a folded group. */
  readonly tracks: readonly number[];
}

/** The rows that have one label: those of a worker, or of one folded group. */
export interface RowGroup {
  /** What folding and pinning go by. */
  readonly key: string;
  readonly label: string;
  /** How many tracks a folded group has; 0: it is none. */
  readonly count: number;
  /** The title above it; null: none. */
  readonly band: string | null;
  readonly bandKey: string | null;
  /** Null: there is nothing to fold. */
  readonly folded: boolean | null;
  readonly pinned: boolean;
  readonly y: number;
  readonly height: number;
  readonly alive: boolean;
  /** The number of its first row. */
  readonly first: number;
}

export interface Layout {
  readonly rows: readonly Row[];
  readonly groups: readonly RowGroup[];
  /** Of the whole stack; more than what is visible means that it scrolls. */
  readonly height: number;
  readonly rowHeight: number;
  /** Index of the row in which a track lies, by track; those of a folded group all lie in its row. */
  readonly places: ReadonlyMap<number, number>;
  /** Index of the row of a folded group, by its number. */
  readonly folded: ReadonlyMap<number, number>;
}

export interface LayoutOptions {
  /** Device pixels there are. */
  readonly height: number;
  readonly ratio: number;
}

/** All in CSS pixels. */
const LEAST_ROW = 5;
const MOST_ROW = 150;
/** A label is as high as this: rows are no lower than what gives every label room. */
const LABEL = 13;
const ROW_GAP = 1;
const GROUP_GAP = 5;
const HOST_BAND = 17;
const MOST_GROUP_GAP = 14;

/** Places rows: as high as fit, all the same, on whole pixels. Rows that cannot be that small overflow (the stream scrolls). */
export function layoutRows(sections: readonly RowSection[], options: LayoutOptions): Layout {
  const { ratio } = options;
  const px = (css: number): number => Math.max(1, Math.round(css * ratio));
  let count = 0;
  let bands = 0;
  let loose = 0;
  for (const [i, { units, band, tight }] of sections.entries()) {
    count += units.length;
    if (band !== null) bands++;
    else if (i > 0 && !tight) loose++;
  }
  const gap = px(ROW_GAP);
  const first = sections[0]?.band === null || sections.length === 0 ? 0 : 1;
  const taken = bands * px(HOST_BAND) + (bands - first) * gap + px(GROUP_GAP) * loose;
  const free = options.height - taken - gap * (count - 1 - (bands - first) - loose);
  const fits = Math.floor(free / Math.max(1, count));
  const least = Math.min(LABEL, Math.max(LEAST_ROW, Math.ceil((LABEL * sections.length) / Math.max(1, count))));
  const rowHeight = Math.min(px(MOST_ROW), Math.max(px(least), fits));
  const rest = Math.max(0, free - rowHeight * count);
  // What whole pixels leave over goes between groups, so that the stack fills the panel.
  const groupGap = Math.min(px(MOST_GROUP_GAP), px(GROUP_GAP) + Math.floor(rest / Math.max(1, loose + 1)));

  const rows: Row[] = [];
  const groups: RowGroup[] = [];
  const places = new Map<number, number>();
  const foldedRows = new Map<number, number>();
  let y = 0;
  for (const [i, section] of sections.entries()) {
    const { key, label, band, bandKey, folded, pinned, alive, units, tight } = section;
    if (band !== null) y += px(HOST_BAND) + (i === 0 ? 0 : gap);
    else if (i > 0) y += tight ? gap : groupGap;
    const top = y;
    const firstRow = rows.length;
    for (const [at, unit] of units.entries()) {
      if (at > 0) y += gap;
      for (const track of unit.tracks) places.set(track, rows.length);
      if (unit.group !== null) foldedRows.set(unit.row, rows.length);
      rows.push({ track: unit.row, y, height: rowHeight, group: i, query: unit.group, tracks: unit.tracks });
      y += rowHeight;
    }
    const count = folded === true ? units.reduce((sum, unit) => sum + unit.tracks.length, 0) : 0;
    groups.push({ key, label, count, band, bandKey, folded, pinned, alive, y: top, height: y - top, first: firstRow });
  }
  return { rows, groups, height: y, rowHeight, places, folded: foldedRows };
}

/** The first of `length` things, sorted from the top down, whose lower edge lies below `y`. */
function firstBelow(length: number, bottom: (index: number) => number, y: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bottom(middle) <= y) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Rows that a strip of the stack touches, as [from, to). */
export function rowsWithin({ rows }: Layout, top: number, bottom: number): readonly [number, number] {
  const from = firstBelow(rows.length, (i) => rows[i]!.y + rows[i]!.height, top);
  let to = from;
  while (to < rows.length && rows[to]!.y < bottom) to++;
  return [from, to];
}

/** Groups that a strip of the stack touches, as [from, to). */
export function groupsWithin({ groups }: Layout, top: number, bottom: number): readonly [number, number] {
  const from = firstBelow(groups.length, (i) => groups[i]!.y + groups[i]!.height, top);
  let to = from;
  while (to < groups.length && groups[to]!.y < bottom) to++;
  return [from, to];
}

/** The row at a height of the stack; null between rows. */
export function rowAt(layout: Layout, y: number): Row | null {
  const { rows } = layout;
  const row = rows[firstBelow(rows.length, (i) => rows[i]!.y + rows[i]!.height, y)];
  return row !== undefined && y >= row.y ? row : null;
}

/** The row of a folded group, or the one in which a track lies; undefined where it is not shown. */
export function rowOf(layout: Layout, track: number): Row | undefined {
  return layout.rows[layout.places.get(track) ?? layout.folded.get(track) ?? -1];
}
