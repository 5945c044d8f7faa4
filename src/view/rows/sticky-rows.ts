import { type Layout, type Row, type RowGroup, rowsWithin } from '../timeline/drawing/layout.ts';

/** Between pinned rows and those that scroll under them, CSS pixels. */
const GAP = 5;
/** The title above a group, CSS pixels. */
const TITLE = 17;
/** A label is as high as this, CSS pixels. */
const LABEL = 11;
const NO_LABEL = { label: '', count: 0, folded: null, alive: true };
/** Pinned rows keep at most this part of the plot: the others must be seen too. */
const MOST = 0.5;

/** The groups at the top of a stack that stay in view, and the height that they keep. */
export interface Sticky {
  readonly groups: number;
  /** Device pixels; 0: none stays. */
  readonly height: number;
  readonly ratio: number;
}

export const NOT_STICKY: Sticky = { groups: 0, height: 0, ratio: 1 };

/** Which of the pinned groups, from the first on, stay in view of a plot that high. */
export function stickyGroups({ groups }: Layout, height: number, ratio: number): Sticky {
  let count = 0;
  let kept = 0;
  for (const group of groups) {
    if (!group.pinned || group.y + group.height > height * MOST) break;
    count++;
    kept = group.y + group.height;
  }
  // With nothing below them there is nothing to stay in view of.
  if (count === 0 || groups.at(-1)?.pinned === true) return NOT_STICKY;
  return { groups: count, height: kept + Math.round(GAP * ratio), ratio };
}

/**
 * The stack as it is seen: pinned rows at the top of the plot however far it is scrolled, the others under them, cut where they
 * begin to hide. Rows that are hidden are not in it. Places stay those of the stack.
 */
export function seenLayout(stack: Layout, sticky: Sticky, scroll: number): Layout {
  if (sticky.height === 0 || scroll <= 0) return stack;
  const edge = scroll + sticky.height;
  const pinned = stack.groups[sticky.groups]!.first;
  const from = Math.max(pinned, rowsWithin(stack, edge, edge)[0]);
  const hidden = from - pinned;
  const hiddenGroups = (stack.rows[from]?.group ?? stack.groups.length) - sticky.groups;
  const rows: Row[] = stack.rows.slice(0, pinned).map((row) => ({ ...row, y: row.y + scroll }));
  for (const row of stack.rows.slice(from)) rows.push({ ...cut(row, edge), group: row.group - hiddenGroups });
  const groups: RowGroup[] = stack.groups.slice(0, sticky.groups).map((group) => ({ ...group, y: group.y + scroll }));
  for (const group of stack.groups.slice(sticky.groups + hiddenGroups)) {
    // A title above its group goes under with it.
    const title = group.y - TITLE * sticky.ratio < edge ? { band: null, bandKey: null } : {};
    const seen = cut(group, edge);
    // What is left of it has no room for a label.
    const bare = seen.height < Math.min(group.height, LABEL * sticky.ratio) ? NO_LABEL : {};
    groups.push({ ...seen, ...title, ...bare, first: group.first - hidden });
  }
  const shifted = (places: ReadonlyMap<number, number>): Map<number, number> => {
    const seen = new Map<number, number>();
    for (const [track, place] of places) {
      if (place < pinned) seen.set(track, place);
      else if (place >= from) seen.set(track, place - hidden);
    }
    return seen;
  };
  return { ...stack, rows, groups, places: shifted(stack.places), folded: shifted(stack.folded) };
}

function cut<T extends { readonly y: number; readonly height: number }>(of: T, edge: number): T {
  return of.y >= edge ? of : { ...of, y: edge, height: of.y + of.height - edge };
}
