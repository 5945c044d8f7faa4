import { Bits } from '../../base/bits.ts';
import type { Steps } from '../../base/steps.ts';
import type { RecordView } from '../../model/batch.ts';
import { type RecordStatus, STATUS_ERRED } from '../../model/task-state.ts';
import { type RecordIndex, type Seconds, type Seq, toSeconds } from '../../model/units.ts';
import type { Store } from '../store.ts';
import { BLOCK, type Effort, keyTest, STEP, type TextTest, weighed } from './key-search.ts';
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
  const hit = yield* hitTest(store, query, effort);
  const marks = query.counted && query.bins > 0 ? new Marks(store, query.bins) : null;
  const { page, total, ...found } = yield* findRecords(
    store,
    query,
    effort,
    (record) => filtered(record) && hit.has(record),
    (record) => marks?.add(store.records.start.at(record)),
    hit.noneAround,
  );
  return {
    ...found,
    total: query.counted ? total : null,
    marks: marks?.view() ?? null,
    tasks: page.map((record) => recordView(store, record)!),
  };
}

interface HitTest {
  readonly has: (record: RecordIndex) => boolean;
  /** Whether it is known that nothing in the same block of keys is a hit; absent where that cannot be known. */
  readonly noneAround?: (record: RecordIndex) => boolean;
}

/** Names and what errors say are few beside records, and asked first, once each; keys, which nobody shares, come last. */
function* hitTest(store: Store, { fields, test }: SearchQuery, effort: Effort): Steps<HitTest> {
  const { records, strings } = store;
  if (test === null) return { has: () => true };
  const asked = weighed(test, effort);
  const functions = yield* passing(
    fields.includes('function') ? strings.function.length : 0,
    (fn) => asked(strings.function.at(fn)),
    effort,
  );
  const workers = yield* passing(
    fields.includes('worker') ? strings.worker.length : 0,
    (worker) => asked(strings.worker.at(worker)) || asked(store.tracks.placeOf(worker)?.name ?? ''),
    effort,
  );
  const error = fields.includes('error') ? yield* errorTest(store, asked, effort) : null;
  const key = fields.includes('key') ? keyTest(store, test, effort) : null;
  const has = (record: RecordIndex): boolean =>
    functions?.has(records.fn.at(record)) === true ||
    workers?.has(records.worker.at(record)) === true ||
    error?.has(record) === true ||
    key?.(record) === true;
  if (functions !== null || workers !== null) return { has };
  return {
    has,
    noneAround: (record) => key?.none(record) !== false && error?.noneAround?.(record) !== false,
  };
}

/** The numbers below `length` that pass; null: none. */
function* passing(length: number, test: (index: number) => boolean, effort: Effort): Steps<Set<number> | null> {
  const found = new Set<number>();
  for (let index = 0; index < length; index++) {
    if (test(index)) found.add(index);
    if (++effort.spent < STEP) continue;
    effort.spent = 0;
    yield;
  }
  return found.size === 0 ? null : found;
}

/** Null: no error passes. */
function* errorTest({ records }: Store, asked: TextTest, effort: Effort): Steps<HitTest | null> {
  const test = records.errors.asker(asked);
  // Of some records it is not known any more what their error said.
  if (asked(''))
    return { has: (record) => records.status.at(record) === STATUS_ERRED && test(record), noneAround: () => false };
  const found = new Bits(records.length);
  let some = false;
  for (const record of records.errors.records()) {
    if (records.status.at(record) === STATUS_ERRED && test(record)) {
      found.add(record);
      some = true;
    }
    if (++effort.spent < STEP) continue;
    effort.spent = 0;
    yield;
  }
  if (!some) return null;
  const noneAround = (record: RecordIndex): boolean => {
    const first = record - (record % BLOCK);
    return !found.any(first, first + BLOCK);
  };
  return { has: (record) => found.has(record), noneAround };
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
