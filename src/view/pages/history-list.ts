import { type Accessor, createSignal, onCleanup } from 'solid-js';
import { ask } from '../ask.ts';

/** A recording as `/api/v1/recordings` gives it. */
export interface RecordingEntry {
  readonly id: string;
  readonly pages: string;
  readonly engine: string;
  readonly address: string;
  readonly version: string;
  readonly since: number;
  readonly until: number;
  readonly duration: number;
  readonly tasks: number;
  readonly erred: number;
  readonly missed: number;
  readonly functions: readonly { readonly name: string; readonly tasks: number; readonly erred: number }[];
  readonly functions_total: number;
  readonly workers: number;
  readonly runs: readonly {
    readonly start: number;
    readonly stop: number;
    readonly tasks: number;
    readonly erred: number;
  }[];
  readonly runs_total: number;
  readonly nbytes: number;
  readonly pinned: boolean;
  readonly live: boolean;
  readonly unreadable: number;
}

/** One answer, or several pages of it joined. */
export interface RecordingList {
  readonly folder: string | null;
  readonly recording: boolean;
  readonly total: number;
  readonly nbytes: number;
  readonly next: string | null;
  readonly recordings: readonly RecordingEntry[];
}

export interface HistoryList {
  /** Null until the first answer. */
  readonly list: Accessor<RecordingList | null>;
  /** What went wrong last, for people; empty when nothing did. */
  readonly failure: Accessor<string>;
  /** Shows what matches, from the beginning. */
  search(q: string): void;
  /** One page more. */
  more(): void;
  /** Does something with a recording and reads the list anew. True: it worked. */
  change(id: string, what: 'pin' | 'unpin' | 'delete'): Promise<boolean>;
}

const EVERY = 5_000;
const PAGE = 100;

/** The list of recordings of the server at `root`, read again every few seconds while somebody sees it. */
export function createHistoryList(root: string): HistoryList {
  const [list, setList] = createSignal<RecordingList | null>(null);
  const [failure, setFailure] = createSignal('');
  const at = (path: string) => new URL(`${root}api/v1/recordings${path}`, location.href);
  let q = '';
  let shown = PAGE;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let turn = 0;
  let ended = false;

  /** As many as are shown, page by page. */
  const readAll = async (): Promise<RecordingList> => {
    let all: RecordingList | null = null;
    for (;;) {
      const query = new URLSearchParams({ limit: String(PAGE) });
      if (q !== '') query.set('q', q);
      if (all?.next) query.set('after', all.next);
      const answer = await ask(at(`?${query}`));
      if (!answer.ok) throw new Error(await problemOf(answer));
      const page = (await answer.json()) as RecordingList;
      all = all === null ? page : { ...page, recordings: [...all.recordings, ...page.recordings] };
      if (all.next === null || all.recordings.length >= shown) return all;
    }
  };
  const read = async (): Promise<void> => {
    clearTimeout(timer);
    const own = ++turn;
    try {
      const found = document.hidden && list() !== null ? null : await readAll();
      // Another search has begun since.
      if (own !== turn || ended) return;
      if (found !== null) {
        setList(found);
        setFailure('');
      }
    } catch (error) {
      if (own !== turn || ended) return;
      setFailure(`The list could not be read: ${messageOf(error)}`);
    }
    timer = setTimeout(() => void read(), EVERY);
  };
  const onVisible = () => {
    if (!document.hidden) void read();
  };
  document.addEventListener('visibilitychange', onVisible);
  onCleanup(() => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', onVisible);
  });
  void read();
  return {
    list,
    failure,
    search(text) {
      q = text.trim();
      shown = PAGE;
      void read();
    },
    more() {
      shown += PAGE;
      void read();
    },
    async change(id, what) {
      const path = `/${encodeURIComponent(id)}${what === 'delete' ? '' : `/${what}`}`;
      let problem = '';
      try {
        const answer = await ask(at(path), { method: what === 'delete' ? 'DELETE' : 'POST' });
        if (!answer.ok) problem = await problemOf(answer);
      } catch (error) {
        problem = messageOf(error);
      }
      await read();
      if (problem !== '') setFailure(`Nothing was changed: ${problem}`);
      return problem === '';
    },
  };
}

async function problemOf(answer: Response): Promise<string> {
  try {
    const { title, advice } = (await answer.json()) as { title?: unknown; advice?: unknown };
    if (typeof title === 'string') return `${title}. ${typeof advice === 'string' ? advice : ''}`.trim();
  } catch {
    // Not a problem document: the status says enough.
  }
  return `HTTP ${answer.status}`;
}

function messageOf(error: unknown): string {
  // What fetch throws when nobody answers says nothing to people.
  return error instanceof TypeError ? 'the server does not answer.' : error instanceof Error ? error.message : '';
}
