import type { RecordStatus } from '../../model/task-state.ts';
import type { Micros, RecordIndex } from '../../model/units.ts';
import type { RecordTest, Slices } from '../detail/slices.ts';
import type { Store } from '../store.ts';
import type { Effort } from './key-search.ts';
import { type RecordFilter, recordMatcher } from './record-filter.ts';

/** What of a record never changes, so that it has to be asked once; see {@link RecordFilter}. */
export interface MatchFilter extends Pick<RecordFilter, 'maxDuration' | 'minDuration' | 'text'> {
  /** Finished records (memory and erred) when absent. */
  readonly status?: RecordStatus | undefined;
}

/** Two bits a record. */
const UNKNOWN = 0;
const NO = 1;
const YES = 2;
/** To look at a record takes about as long as to go through so many slices. */
const RECORD_ROWS = 8;
/** Slices that may be gone through before somebody else has a turn. */
const STEP_ROWS = 4_096;
/** So many filters of a store are remembered: those that are looked through now. */
const KEPT = 6;

const known = new WeakMap<Store, Map<string, RecordMatches>>();

/** Which records match a filter, as far as that was asked by anybody; null: the filter says nothing. */
export function matchesOf(store: Store, { status, minDuration, maxDuration, text }: MatchFilter): RecordMatches | null {
  const filter = { status, minDuration, maxDuration, text };
  if (Object.values(filter).every((part) => part === undefined)) return null;
  const asked = typeof text === 'function' ? text.asks : text;
  if (typeof text === 'function' && asked === undefined) return new RecordMatches(store, filter);
  let ofStore = known.get(store);
  if (ofStore === undefined) {
    ofStore = new Map();
    known.set(store, ofStore);
  }
  const key = JSON.stringify([status, minDuration, maxDuration, asked, typeof text]);
  const matches = ofStore.get(key) ?? new RecordMatches(store, filter);
  // The one that was used last stays longest.
  ofStore.delete(key);
  ofStore.set(key, matches);
  if (ofStore.size > KEPT) ofStore.delete(ofStore.keys().next().value!);
  return matches;
}

/** The answers of one filter, each record asked once: whoever looks at the same tasks again, closer or later, finds them here. */
export class RecordMatches {
  readonly #effort: Effort = { spent: 0 };
  readonly #ask: (record: RecordIndex) => boolean;
  readonly #store: Store;
  #answers = new Uint8Array(1_024);
  #asked = 0;

  constructor(store: Store, filter: MatchFilter) {
    this.#store = store;
    this.#ask = recordMatcher(store, filter, filter.status, this.#effort);
  }

  readonly has: RecordTest = (record) => {
    const at = record >>> 2;
    const shift = (record & 3) << 1;
    const answer = ((this.#answers[at] ?? 0) >>> shift) & 3;
    if (answer !== UNKNOWN) return answer === YES;
    const matches = this.#ask(record);
    if (at >= this.#answers.length) this.#grow(at);
    this.#answers[at]! |= (matches ? YES : NO) << shift;
    this.#asked++;
    this.#effort.spent++;
    return matches;
  };

  /**
   * Asks for all records that have slices on a track in [since, until), of which there are not so many that they cannot be gone
   * through in one go. Between two parts it says about how many rows the last one was worth.
   */
  *learn(slices: Slices, track: number, since: Micros, until: Micros): Generator<number, void> {
    if (this.#asked >= this.#store.records.length) return;
    const unknown: RecordIndex[] = [];
    let rows = 0;
    slices.visit(track, since, until, ({ record }) => {
      rows++;
      if ((((this.#answers[record >>> 2] ?? 0) >>> ((record & 3) << 1)) & 3) === UNKNOWN) unknown.push(record);
      return undefined;
    });
    yield rows;
    yield* this.#learn(unknown);
  }

  /** Asks for all records, in their order: keys are read faster so than track by track. */
  *learnAll(): Generator<number, void> {
    const { length } = this.#store.records;
    if (this.#asked < length) yield* this.#learn(numbersBelow(length));
  }

  *#learn(list: Iterable<RecordIndex>): Generator<number, void> {
    let rows = 0;
    for (const record of list) {
      this.#effort.spent = 0;
      this.has(record);
      rows += this.#effort.spent * RECORD_ROWS;
      if (rows < STEP_ROWS) continue;
      yield rows;
      rows = 0;
    }
    yield rows;
  }

  #grow(at: number): void {
    const more = new Uint8Array(Math.max(at + 1, this.#answers.length * 2));
    more.set(this.#answers);
    this.#answers = more;
  }
}

function* numbersBelow(end: number): Generator<number> {
  for (let i = 0; i < end; i++) yield i;
}
