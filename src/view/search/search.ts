import type { RecordView } from '../../model/batch.ts';

/** Hits over time: how many started in each part of history. */
export interface Marks {
  /** Epoch seconds. */
  readonly start: number;
  /** Seconds. */
  readonly bin: number;
  readonly counts: readonly number[];
}

export interface SearchPage {
  readonly total: number | null;
  readonly next: number | null;
  readonly marks: Marks | null;
  readonly tasks: readonly RecordView[];
}

export interface SearchQuery {
  readonly order: 'oldest' | 'newest';
  readonly after: number | null;
  readonly limit: number;
  readonly count: boolean;
  readonly marks: number;
}

/** Asks the server; a string says why there is no answer. Rejects when `signal` says that nobody waits any more. */
export type AskPage = (query: SearchQuery, signal: AbortSignal) => Promise<SearchPage | string>;

export interface SearchState {
  /** Null while not all of history was gone through. */
  readonly total: number | null;
  /** Which hit is shown, from 0; -1: none yet. */
  readonly index: number;
  readonly marks: Marks | null;
  /** Something is on its way. */
  readonly busy: boolean;
  readonly problem: string | null;
}

export const NO_SEARCH: SearchState = { total: null, index: -1, marks: null, busy: false, problem: null };

const PAGE = 50;
const MARKS = 512;

/** The hits of one search, read page by page from both ends as somebody goes through them. */
export class Search {
  readonly #ask: AskPage;
  readonly #tell: (state: SearchState) => void;
  readonly #abort = new AbortController();
  #state: SearchState = { ...NO_SEARCH, busy: true };
  /** Hits from the first one on, and from the last one back. */
  readonly #front: RecordView[] = [];
  readonly #back: RecordView[] = [];
  #first: Promise<void>;
  #going = 0;

  constructor(ask: AskPage, tell: (state: SearchState) => void) {
    this.#ask = ask;
    this.#tell = tell;
    tell(this.#state);
    // The first hits are there long before all of history was gone through.
    const quick = this.#read({ order: 'oldest', after: null, limit: PAGE, count: false, marks: 0 }, this.#front);
    const whole = this.#count();
    this.#first = Promise.race([quick, whole]);
    void Promise.all([quick, whole]).then(() => this.#set({ busy: false }));
  }

  end(): void {
    this.#abort.abort();
  }

  /** The next or previous hit, and round at the ends; null where there is none, or somebody went on meanwhile. */
  async go(direction: 1 | -1): Promise<RecordView | null> {
    const turn = ++this.#going;
    await this.#first;
    // Backwards from the first one needs to know how many there are.
    if (direction === -1 && this.#state.index <= 0) await this.#counted;
    const { total, index } = this.#state;
    const known = total ?? this.#front.length;
    if (known === 0 || turn !== this.#going) return null;
    let next = index < 0 ? (direction === 1 ? 0 : known - 1) : index + direction;
    if (total !== null) next = (next + total) % total;
    const hit = await this.#at(next, direction);
    if (hit === null || turn !== this.#going) return null;
    this.#set({ index: next });
    return hit;
  }

  #counted: Promise<void> = Promise.resolve();

  #count(): Promise<void> {
    this.#counted = this.#asked({ order: 'newest', after: null, limit: PAGE, count: true, marks: MARKS }).then(
      (page) => {
        if (page === null) return;
        this.#back.push(...page.tasks);
        this.#set({ total: page.total ?? 0, marks: page.marks });
      },
    );
    return this.#counted;
  }

  async #at(index: number, direction: 1 | -1): Promise<RecordView | null> {
    for (;;) {
      const { total } = this.#state;
      const fromBack = total === null ? -1 : total - 1 - index;
      const known = this.#front[index] ?? (fromBack < 0 ? undefined : this.#back[fromBack]);
      if (known !== undefined) return known;
      const forwards =
        total === null || (direction === 1 ? index < this.#front.length + total / 2 : fromBack > total / 2);
      const list = forwards ? this.#front : this.#back;
      const before = list.length;
      await this.#read(
        {
          order: forwards ? 'oldest' : 'newest',
          after: list.at(-1)?.record ?? null,
          limit: PAGE,
          count: false,
          marks: 0,
        },
        list,
      );
      if (list.length === before) return null;
    }
  }

  async #read(query: SearchQuery, into: RecordView[]): Promise<void> {
    const page = await this.#asked(query);
    if (page !== null && into.at(-1)?.record === (query.after ?? undefined)) into.push(...page.tasks);
  }

  async #asked(query: SearchQuery): Promise<SearchPage | null> {
    try {
      const page = await this.#ask(query, this.#abort.signal);
      if (typeof page !== 'string') return page;
      this.#set({ problem: page });
    } catch {
      // Nobody waits for this search any more.
    }
    return null;
  }

  #set(part: Partial<SearchState>): void {
    this.#state = { ...this.#state, ...part };
    if (!this.#abort.signal.aborted) this.#tell(this.#state);
  }
}
