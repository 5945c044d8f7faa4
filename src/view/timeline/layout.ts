import { naturalOrder } from '../../base/natural-order.ts';
import type { TrackView } from '../../model/batch.ts';

/** One drawn row: a track and its place, in device pixels from the top of the whole stack of rows. */
export interface Row {
  readonly track: number;
  readonly y: number;
  readonly height: number;
  /** Index into `groups`. */
  readonly group: number;
}

/** The rows of one worker. */
export interface RowGroup {
  readonly label: string;
  readonly host: string;
  /** True on a host's first worker, when there are several hosts. */
  readonly opensHost: boolean;
  readonly y: number;
  readonly height: number;
  readonly alive: boolean;
}

export interface Layout {
  readonly rows: readonly Row[];
  readonly groups: readonly RowGroup[];
  /** Of the whole stack; more than what is visible means that it scrolls. */
  readonly height: number;
  readonly rowHeight: number;
  readonly hosts: number;
}

export interface LayoutOptions {
  /** Device pixels there are. */
  readonly height: number;
  readonly ratio: number;
  /** Whether a track of a worker that is gone still has something to show. */
  readonly shows: (track: number) => boolean;
}

/** All in CSS pixels. */
const LEAST_ROW = 5;
const MOST_ROW = 150;
const ROW_GAP = 1;
const GROUP_GAP = 5;
const HOST_BAND = 17;
const MOST_GROUP_GAP = 14;

/** Hosts, then workers by name as people sort them (w2 before w10), then slots; and the index for what is equal. */
export function compareTracks(a: TrackView, b: TrackView): number {
  return (
    naturalOrder(a.host, b.host) ||
    naturalOrder(a.name, b.name) ||
    (a.address < b.address ? -1 : a.address > b.address ? 1 : 0) ||
    a.slot - b.slot ||
    a.track - b.track
  );
}

/** A worker's name as a label: addresses lose what is the same everywhere, bare numbers say what they count. */
export function workerLabel(track: Pick<TrackView, 'name' | 'address'>): string {
  const name = track.name === '' ? track.address : track.name;
  return /^\d+$/.test(name) ? `worker ${name}` : name.replace(/^[a-z]+:\/\//, '');
}

/**
 * Places tracks as rows: as high as fit, all the same, on whole pixels. Rows that cannot be that small overflow (the stream
 * scrolls). Tracks of workers that are gone stay while they have something in view.
 */
export function layoutRows(tracks: readonly (TrackView | undefined)[], options: LayoutOptions): Layout {
  const { ratio } = options;
  const px = (css: number): number => Math.max(1, Math.round(css * ratio));
  const shown = tracks
    .filter((t): t is TrackView => t !== undefined && (t.alive || options.shows(t.track)))
    .sort(compareTracks);
  const hosts = new Set(shown.map((t) => t.host)).size;
  const groupCount = countGroups(shown);
  const bands = hosts > 1 ? hosts * px(HOST_BAND) + (hosts - 1) * px(ROW_GAP) : 0;
  const gap = px(ROW_GAP);
  const innerGaps = gap * (shown.length - groupCount);
  const groupGaps = px(GROUP_GAP) * (groupCount - Math.max(hosts, 1));
  const free = options.height - bands - innerGaps - groupGaps;
  const fits = Math.floor(free / Math.max(1, shown.length));
  const rowHeight = Math.min(px(MOST_ROW), Math.max(px(LEAST_ROW), fits));
  const rest = Math.max(0, free - rowHeight * shown.length);
  // What whole pixels leave over goes between workers, so that the stack fills the panel.
  const groupGap = Math.min(px(MOST_GROUP_GAP), px(GROUP_GAP) + Math.floor(rest / Math.max(1, groupCount)));

  const rows: Row[] = [];
  const groups: RowGroup[] = [];
  let y = 0;
  let last: TrackView | null = null;
  let groupStart = 0;
  for (const track of shown) {
    const opens = last === null || !sameWorker(last, track);
    if (opens) {
      const opensHost = hosts > 1 && last?.host !== track.host;
      if (opensHost) y += px(HOST_BAND) + (last === null ? 0 : gap);
      else if (last !== null) y += groupGap;
      groupStart = y;
      groups.push({
        label: workerLabel(track),
        host: track.host,
        opensHost,
        y,
        height: 0,
        alive: track.alive,
      });
    } else y += gap;
    rows.push({ track: track.track, y, height: rowHeight, group: groups.length - 1 });
    y += rowHeight;
    groups[groups.length - 1] = { ...groups.at(-1)!, height: y - groupStart };
    last = track;
  }
  return { rows, groups, height: y, rowHeight, hosts };
}

function sameWorker(a: TrackView, b: TrackView): boolean {
  return a.host === b.host && a.name === b.name && a.address === b.address;
}

function countGroups(sorted: readonly TrackView[]): number {
  let count = 0;
  for (const [i, track] of sorted.entries()) if (i === 0 || !sameWorker(sorted[i - 1]!, track)) count++;
  return count;
}

/** Rows that a strip of the stack touches, as [from, to). */
export function rowsWithin(layout: Layout, top: number, bottom: number): readonly [number, number] {
  const { rows } = layout;
  let from = 0;
  while (from < rows.length && rows[from]!.y + rows[from]!.height <= top) from++;
  let to = from;
  while (to < rows.length && rows[to]!.y < bottom) to++;
  return [from, to];
}

/** The row at a height of the stack; null between rows. */
export function rowAt(layout: Layout, y: number): Row | null {
  for (const row of layout.rows) if (y >= row.y && y < row.y + row.height) return row;
  return null;
}
