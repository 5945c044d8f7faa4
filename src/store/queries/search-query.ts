import type { Steps } from '../../base/steps.ts';
import type { RecordView } from '../../model/batch.ts';
import { type RecordStatus, STATUS_ERRED } from '../../model/task-state.ts';
import { type RecordIndex, type Seconds, type Seq, toSeconds } from '../../model/units.ts';
import type { Store } from '../store.ts';
import { type Effort, keyTest, type TextTest, weighed } from './key-search.ts';
import { type RecordFilter, recordMatcher } from './record-filter.ts';
import { findRecords, recordView } from './tasks-query.ts';

/** Where a search looks: the key, the function's name, the worker's name and address, what an exception says. */
export const SEARCH_FIELDS = ['key', 'function', 'worker', 'error'] as const;
export type SearchField = (typeof SEARCH_FIELDS)[number];

export interface SearchQuery extends RecordFilter {
  /** Null: whatever they say. */
  readonly test: TextTest | null;
  readonly fields: readonly SearchField[];
  /** Every record, the lost ones too, when absent. */
  readonly status?: RecordStatus | undefined;
  readonly order: 'oldest' | 'newest';
  /** Only records behind this one, in that order. */
  readonly after?: RecordIndex | undefined;
  readonly limit: number;
  /** False: as soon as the page is full, without a total. */
  readonly counted: boolean;
  /** Into how many equal parts of history hits are counted; 0: not. */
  readonly bins: number;
}

export interface SearchPage {
  readonly seq: Seq;
  /** Records that match, on all pages; null when that was not asked for. */
  readonly total: number | null;
  readonly next: RecordIndex | null;
  /** Hits by start, over all of history; null when that was not asked for. */
  readonly marks: { readonly start: Seconds; readonly bin: number; readonly counts: readonly number[] } | null;
  readonly tasks: readonly RecordView[];
}

/** Records of all history in which a text is found. */
export function* searchSteps(store: Store, query: SearchQuery): Steps<SearchPage> {
  const effort: Effort = { spent: 0 };
  const filtered = recordMatcher(store, query, query.status ?? 'any', effort);
  const hit = hitTest(store, query, effort);
  const marks = query.counted && query.bins > 0 ? new Marks(store, query.bins) : null;
  const { page, total, ...found } = yield* findRecords(
    store,
    query,
    effort,
    (record) => filtered(record) && hit(record),
    (record) => marks?.add(store.records.start.at(record)),
  );
  return {
    ...found,
    total: query.counted ? total : null,
    marks: marks?.view() ?? null,
    tasks: page.map((record) => recordView(store, record)!),
  };
}

/** Names are few and asked once each; keys, which nobody shares, come last. */
function hitTest(store: Store, { fields, test }: SearchQuery, effort: Effort): (record: RecordIndex) => boolean {
  const { records, strings } = store;
  if (test === null) return () => true;
  const asked = weighed(test, effort);
  const byFunction = fields.includes('function') ? remembered((fn) => asked(strings.function.at(fn))) : null;
  const byWorker = fields.includes('worker')
    ? remembered((worker) => asked(strings.worker.at(worker)) || asked(store.tracks.placeOf(worker)?.name ?? ''))
    : null;
  const key = fields.includes('key') ? keyTest(store, test, effort) : null;
  const error = fields.includes('error') ? records.errors.asker(asked) : null;
  return (record) =>
    byFunction?.(records.fn.at(record)) === true ||
    byWorker?.(records.worker.at(record)) === true ||
    (error !== null && records.status.at(record) === STATUS_ERRED && error(record)) ||
    key?.(record) === true;
}

/** Asks once for each index. */
function remembered(test: (index: number) => boolean): (index: number) => boolean {
  const known: (boolean | undefined)[] = [];
  return (index) => {
    let answer = known[index];
    if (answer === undefined) {
      answer = test(index);
      known[index] = answer;
    }
    return answer;
  };
}

/** Counts by time over the whole of history, as it is when the search begins. */
class Marks {
  readonly #since: number;
  readonly #width: number;
  readonly #counts: number[];

  constructor(store: Store, bins: number) {
    const extent = store.slices.extent() ?? { since: 0, until: bins };
    this.#since = extent.since;
    this.#width = Math.max(1, (extent.until - extent.since) / bins);
    this.#counts = new Array<number>(bins).fill(0);
  }

  add(start: number): void {
    const bin = Math.floor((start - this.#since) / this.#width);
    const { length } = this.#counts;
    this.#counts[Math.max(0, Math.min(length - 1, bin))]!++;
  }

  view(): SearchPage['marks'] {
    return { start: toSeconds(this.#since), bin: toSeconds(this.#width), counts: this.#counts };
  }
}
