import type { GroupQuery } from '../../../model/batch.ts';
import type { Micros } from '../../../model/units.ts';
import type { WindowData } from '../../../store/detail/window-data.ts';
import type { Live } from '../../live-store.ts';
import type { WatchedWindow } from '../../watched-window.ts';
import { LatestQuery, type Looking, planOverview, planWindow, type RowsWanted, sameQuery } from './window-plan.ts';

/** What a stream looks at, and from where to where history reaches; `start` is null while there is none. */
export interface LookingAt extends Looking {
  readonly start: Micros | null;
  readonly stop: Micros;
  /** Rows of tracks that are needed, and of folded groups; null: none. */
  readonly tracks: RowsWanted | null;
  readonly groups: RowsWanted | null;
  /** The sum of all tracks alone is what the overview shows; null: each of them. */
  readonly sum: GroupQuery | null;
}

/** Columns of the overview: enough for a minimap, and for a picture while a better one is on its way. */
const OVERVIEW_COLUMNS = 320;
/** While the view has everything, the overview can wait this long, ms: first something is drawn. */
const OVERVIEW_AFTER = 700;

/** A window that follows the view: one question at a time, what is there stays until the answer has come. */
class FollowingWindow {
  readonly #questions: LatestQuery;
  #window: WatchedWindow | null;

  constructor(live: Live, early: WatchedWindow | null) {
    this.#window = early;
    this.#questions = new LatestQuery((query) => {
      if (this.#window === null) this.#window = live.openWindow(query);
      else this.#window.move(query);
    });
    if (early !== null && early.data.version === 0) this.#questions.adopt(early.query, performance.now());
  }

  get data(): WindowData | null {
    return this.#window?.data ?? null;
  }

  get waiting(): boolean {
    return this.#questions.waiting;
  }

  plan(looking: Looking, rows: RowsWanted, now: number): void {
    const current = this.#questions.wanted ?? this.#window?.query ?? null;
    const data = this.#window?.data;
    // Slices will do at any zoom, but those of groups are drawn as sums in bins.
    const slices =
      data?.mode === 'slices' &&
      data.query !== null &&
      data.query.groups === undefined &&
      current !== null &&
      sameQuery(data.query, current);
    const query = planWindow(current, { ...looking, slices, waiting: this.waiting }, rows);
    if (query !== current) this.#questions.want(query, now);
    this.#questions.tick(now);
  }

  answered(id: number | undefined): void {
    const window = this.#window;
    if (window !== null && id === window.id) this.#questions.answered(window.data.query, performance.now());
  }

  /** Nothing of it is shown any more: the server need not keep it up to date. */
  close(): void {
    if (this.#window === null && !this.#questions.waiting) return;
    this.#window?.[Symbol.dispose]();
    this.#window = null;
    this.#questions.forget();
  }
}

/** The windows that a stream has open: for the tracks in view, for the folded groups in view, and a coarse one of all history. */
export class StreamWindows {
  readonly #live: Live;
  readonly #changed: () => void;
  readonly #undo: () => void;
  readonly #main: FollowingWindow;
  readonly #groups: FollowingWindow;
  #overview: WatchedWindow | null = null;
  #firstAnswer: number | null = null;
  #later: ReturnType<typeof setTimeout> | null = null;

  constructor(live: Live, changed: () => void) {
    this.#live = live;
    this.#changed = changed;
    const early = live.takeEarlyWindow();
    const grouped = early?.query.groups !== undefined;
    this.#main = new FollowingWindow(live, grouped ? null : early);
    this.#groups = new FollowingWindow(live, grouped ? early : null);
    this.#undo = live.replica.on('window', (id) => {
      this.#main.answered(id);
      this.#groups.answered(id);
    });
  }

  get main(): WindowData | null {
    return this.#main.data;
  }

  get groups(): WindowData | null {
    return this.#groups.data;
  }

  get overview(): WindowData | null {
    return this.#overview?.data ?? null;
  }

  /** An answer is on its way. */
  get waiting(): boolean {
    return this.#main.waiting || this.#groups.waiting;
  }

  /** Something that could be drawn has come. */
  get answered(): boolean {
    return (this.main?.version ?? 0) > 0 || (this.groups?.version ?? 0) > 0;
  }

  dispose(): void {
    this.#undo();
    if (this.#later !== null) clearTimeout(this.#later);
    this.#main.close();
    this.#groups.close();
    this.#overview?.[Symbol.dispose]();
  }

  /** Asks for what the view needs and does not have. Cheap; called every frame. */
  plan(looking: LookingAt): void {
    const now = performance.now();
    if (looking.tracks === null) this.#main.close();
    else this.#main.plan(looking, looking.tracks, now);
    if (looking.groups === null) this.#groups.close();
    else this.#groups.plan(looking, looking.groups, now);
    this.#planOverview(looking, now);
  }

  #planOverview(looking: LookingAt, now: number): void {
    const known = (this.main ?? this.groups)?.query ?? null;
    if (known === null) return;
    this.#firstAnswer ??= now;
    // Until there is one, it waits for what is looked at.
    if (this.#overview === null && looking.sum !== null && this.waiting && now - this.#firstAnswer < OVERVIEW_AFTER)
      return;
    // Where the view shows each track of all history, a minimap has all it needs.
    const whole = looking.sum === null && (looking.start === null || known.since <= looking.start);
    if (this.#overview === null && whole && now - this.#firstAnswer < OVERVIEW_AFTER) {
      this.#later ??= setTimeout(this.#changed, OVERVIEW_AFTER);
      return;
    }
    const current = this.#overview?.query ?? null;
    // To go through all of history takes a while: first something is there at all.
    const filter = this.#overview !== null && this.#overview.data.version > 0 ? looking.filter : null;
    const query = planOverview(current, { ...looking, filter: filter ?? null, columns: OVERVIEW_COLUMNS });
    if (query === null || query === current) return;
    if (this.#overview === null) this.#overview = this.#live.openWindow(query);
    else this.#overview.move(query);
  }
}
