import type { WindowQuery } from '../../../model/batch.ts';
import { toMicros } from '../../../model/units.ts';
import type { Replica } from '../../../store/replica.ts';
import { type PageName, rangeOf } from '../../address.ts';
import type { Connection } from '../../connection.ts';
import { DEFAULT_ROWS, GroupNumbers, MANY_TRACKS, rowsOf } from '../../rows/row-model.ts';
import { readRows } from '../../rows/rows-address.ts';
import { readTasksState, windowFilter } from '../../search/tasks-state.ts';
import { openWindow, type WatchedWindow } from '../../watched-window.ts';
import { followHistory, followRecent } from '../runs.ts';
import { followTarget } from './follow.ts';
import { span, TimeBase } from './viewport.ts';
import { ALL_TRACKS, planWindow, type RowsWanted } from './window-plan.ts';

/** What an address and a screen say before anything is built. */
export interface EarlyView {
  readonly page: PageName;
  /** The address's query. */
  readonly search: string;
  /** CSS pixels of the page. */
  readonly width: number;
  readonly ratio: number;
}

/** What stands beside the plot, CSS pixels: margins and labels; and on a wide /status the column of panels. */
const BESIDE = 130;
const COLUMN = 340;
const WITH_COLUMN = 1_000;
/** Rows that are asked for before it is known how many fit. */
const FIRST_ROWS = 64;

/**
 * The window that the page's stream will ask for first, asked for as soon as the state is there, while the rest of the page is still
 * being built. The plot's width is a guess: a stream takes the window where it will do and asks for another one where not.
 */
export class EarlyWindow implements Disposable {
  readonly #undo: () => void;
  #window: WatchedWindow | null = null;

  constructor(connection: Connection, replica: Replica, view: EarlyView) {
    this.#undo = replica.on('state', () => {
      const query = earlyQuery(replica, view);
      if (query === null) return;
      this.#undo();
      this.#window = openWindow(connection, replica, query);
    });
  }

  /** Hands the window over, once; nothing is asked for early any more. */
  take(): WatchedWindow | null {
    this.#undo();
    const taken = this.#window;
    this.#window = null;
    return taken;
  }

  [Symbol.dispose](): void {
    this.take()?.[Symbol.dispose]();
  }
}

/** Null: that page has no stream, or there is nothing to show yet. */
export function earlyQuery(replica: Replica, view: EarlyView): WindowQuery | null {
  const clock = replica.clock();
  if (view.page === 'workers' || clock === 0) return null;
  const base = new TimeBase(toMicros(replica.runs[0]?.start ?? clock));
  const column = view.page === 'status' && view.width >= WITH_COLUMN ? COLUMN : 0;
  const width = Math.max(1, Math.round((view.width - BESIDE - column) * view.ratio));
  const range = view.page === 'tasks' ? rangeOf(view.search) : null;
  const input = (view.page === 'tasks' ? followHistory : followRecent)(replica, base, clock);
  if (range === null && input === null) return null;
  const shown =
    range === null
      ? followTarget(input!)
      : { since: base.relative(range.since * 1e6), until: base.relative(range.until * 1e6) };
  const looking = {
    since: base.absolute(shown.since),
    until: base.absolute(shown.until),
    perPixel: span(shown) / width,
    now: clock * 1e6,
    functions: null,
    filter: view.page === 'tasks' ? windowFilter(readTasksState(view.search)) : null,
    moving: 'opens',
  } as const;
  return planWindow(null, looking, firstRows(replica, view));
}

/** The rows that a stream shows first: all of them, or as many as a screen may have of what the address says. */
function firstRows(replica: Replica, view: EarlyView): RowsWanted {
  if (replica.tracks.length <= MANY_TRACKS) return ALL_TRACKS;
  const chosen = view.page === 'tasks' ? readRows(new URLSearchParams(view.search)) : {};
  const { sections } = rowsOf(replica.tracks, { ...DEFAULT_ROWS, ...chosen }, () => false, null, new GroupNumbers());
  const units = sections.flatMap((section) => section.units).slice(0, FIRST_ROWS);
  const groups = units.flatMap(({ group }) => group ?? []);
  if (groups.length > 0) return { tracks: null, groups: { shown: groups, ask: () => groups } };
  const tracks = units.map(({ row }) => row).sort((a, b) => a - b);
  return { tracks: { shown: tracks, ask: () => tracks } };
}
