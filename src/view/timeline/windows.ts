import type { WindowQuery } from '../../model/batch.ts';
import type { Micros } from '../../model/units.ts';
import type { WindowData } from '../../store/window-data.ts';
import type { Live } from '../live-store.ts';
import type { WatchedWindow } from '../watched-window.ts';
import { LatestQuery, type Looking, planOverview, planWindow } from './window-plan.ts';

/** What a stream looks at, and from where to where history reaches; `start` is null while there is none. */
export interface LookingAt extends Looking {
  readonly start: Micros | null;
  readonly stop: Micros;
}

/** Columns of the overview: enough for a minimap, and for a picture while a better one is on its way. */
const OVERVIEW_COLUMNS = 320;
/** While the view has everything, the overview can wait this long, ms: first something is drawn. */
const OVERVIEW_AFTER = 700;

/** The windows that a stream has open: one for its view, and a coarse one of all history. */
export class StreamWindows {
  readonly #live: Live;
  readonly #questions: LatestQuery;
  readonly #changed: () => void;
  readonly #undo: () => void;
  #main: WatchedWindow | null = null;
  #overview: WatchedWindow | null = null;
  #firstAnswer: number | null = null;
  #later: ReturnType<typeof setTimeout> | null = null;

  constructor(live: Live, changed: () => void) {
    this.#live = live;
    this.#changed = changed;
    this.#questions = new LatestQuery((query) => this.#ask(query));
    this.#main = live.takeEarlyWindow();
    this.#undo = live.replica.on('window', (id) => {
      const main = this.#main;
      if (main !== null && id === main.id) this.#questions.answered(main.data.query, performance.now());
    });
  }

  get main(): WindowData | null {
    return this.#main?.data ?? null;
  }

  get overview(): WindowData | null {
    return this.#overview?.data ?? null;
  }

  /** An answer is on its way. */
  get waiting(): boolean {
    return this.#questions.waiting;
  }

  dispose(): void {
    this.#undo();
    if (this.#later !== null) clearTimeout(this.#later);
    this.#main?.[Symbol.dispose]();
    this.#overview?.[Symbol.dispose]();
  }

  /** Asks for what the view needs and does not have. Cheap; called every frame. */
  plan(looking: LookingAt): void {
    const now = performance.now();
    const current = this.#questions.wanted ?? this.#main?.query ?? null;
    const query = planWindow(current, looking);
    if (query !== current) this.#questions.want(query, now);
    this.#questions.tick(now);
    this.#planOverview(looking, now);
  }

  #planOverview(looking: LookingAt, now: number): void {
    const known = this.main?.query ?? null;
    if (known === null) return;
    this.#firstAnswer ??= now;
    const whole = looking.start === null || known.since <= looking.start;
    if (this.#overview === null && whole && now - this.#firstAnswer < OVERVIEW_AFTER) {
      this.#later ??= setTimeout(this.#changed, OVERVIEW_AFTER);
      return;
    }
    const current = this.#overview?.query ?? null;
    const query = planOverview(current, { ...looking, columns: OVERVIEW_COLUMNS });
    if (query === null || query === current) return;
    if (this.#overview === null) this.#overview = this.#live.openWindow(query);
    else this.#overview.move(query);
  }

  #ask(query: WindowQuery): void {
    if (this.#main === null) this.#main = this.#live.openWindow(query);
    else this.#main.move(query);
  }
}
