import type { RecordDetails, RecordView } from '../../../model/batch.ts';
import { parsePath } from '../../address.ts';
import { ask } from '../../ask.ts';

/** A page of records, as the HTTP API answers it. */
export interface RecordsPage {
  readonly total: number;
  readonly next: number | null;
  readonly tasks: readonly RecordView[];
}

export interface RecordsQuery {
  readonly status?: 'erred';
  /** Parameters of the API that narrow the list. */
  readonly narrowed?: readonly (readonly [name: string, value: string])[];
  readonly order?: 'oldest' | 'newest' | 'slowest' | 'largest';
  /** Seconds since epoch. */
  readonly since?: number;
  readonly until?: number;
  readonly after?: number;
  readonly limit: number;
}

/** What was read stays for a while: pointing along a row must not ask for the same task again and again. */
const KEPT = 256;

/** Reads records from the server: single ones for hovering, pages for tables. */
export class Records {
  readonly #known = new Map<number, RecordView>();
  readonly #fetch: (url: URL, signal: AbortSignal) => Promise<Response>;
  #reading: AbortController | null = null;

  constructor(fetcher: (url: URL, signal: AbortSignal) => Promise<Response> = (url, signal) => ask(url, { signal })) {
    this.#fetch = fetcher;
  }

  known(record: number): RecordView | null {
    return this.#known.get(record) ?? null;
  }

  /** The record in full; null where it is not there or another one was asked for meanwhile. */
  async read(record: number): Promise<RecordView | null> {
    const known = this.#known.get(record);
    this.#reading?.abort();
    if (known !== undefined) return known;
    const reading = new AbortController();
    this.#reading = reading;
    try {
      const response = await this.#fetch(apiUrl(`tasks/${record}`), reading.signal);
      if (!response.ok) return null;
      const view = (await response.json()) as RecordView;
      this.#known.set(record, view);
      if (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value!);
      return view;
    } catch {
      return null; // Aborted, or the server is gone: the banner says so.
    }
  }

  /** A record and its neighbours in the graph, as they are now; null where the server did not answer. */
  async details(record: number, signal: AbortSignal): Promise<RecordDetails | null> {
    try {
      const response = await this.#fetch(apiUrl(`tasks/${record}?dependents=1`), signal);
      return response.ok ? ((await response.json()) as RecordDetails) : null;
    } catch {
      return null;
    }
  }

  /** A page of records; null where the server did not answer or `signal` says that nobody waits any more. */
  async page(
    { since, until, narrowed = [], ...query }: RecordsQuery,
    signal: AbortSignal,
  ): Promise<RecordsPage | null> {
    const url = apiUrl('tasks');
    for (const [name, value] of narrowed) url.searchParams.append(name, value);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    for (const [name, time] of Object.entries({ since, until }))
      if (time !== undefined) url.searchParams.set(name, seconds(time));
    try {
      const response = await this.#fetch(url, signal);
      return response.ok ? ((await response.json()) as RecordsPage) : null;
    } catch {
      return null;
    }
  }

  /** What a new scheduler says under the same ids is something else. */
  forget(): void {
    this.#known.clear();
  }
}

/** A time as the API takes it: not before the epoch, and with at most nine decimals. */
function seconds(time: number): string {
  return String(Math.max(0, Math.round(time * 1e6) / 1e6));
}

function apiUrl(path: string): URL {
  return new URL(`${parsePath(location.pathname).base}api/v1/${path}`, location.href);
}
