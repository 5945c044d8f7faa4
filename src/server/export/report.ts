import { setImmediate } from 'node:timers/promises';
import type { TaskSelection } from '../../model/task-selection.ts';
import { STATUS_LOST } from '../../model/task-state.ts';
import type { RecordIndex, Seconds } from '../../model/units.ts';
import { recordMatcher } from '../../store/queries/record-filter.ts';
import type { Store } from '../../store/store.ts';
import { REPORT_FORMAT, REPORT_MARK, type ReportHead } from '../../wire/report.ts';
import { RecordsWriter } from '../../wire/report-records.ts';
import {
  addRecord,
  messagesOf,
  packPart,
  type ReportPart,
  type Summary,
  stringsOf,
  summarySteps,
} from './report-parts.ts';

/** No report is larger than this. */
export const MOST_REPORT_BYTES = 20_000_000;
/** What the summary of that which is left out may take of it. */
const SUMMARY_RESERVE = 4_500_000;
/** A browser holds so many records in detail within its memory. */
const MOST_RECORDS = 1_500_000;
/** A summary has about so many entries at most: then it takes no more than that. */
const MOST_ENTRIES = 600_000;
const CHUNK_RECORDS = 16_384;
/** Records between two turns of the event loop. */
const TURN_RECORDS = 1_000;

export interface ReportOptions {
  readonly selection: TaskSelection;
  /** The page without data, which the build makes. */
  readonly template: string;
  /** Version of this server. */
  readonly server: string;
  /** Now, by this machine's clock. */
  readonly made: Seconds;
  /** Default: {@link MOST_REPORT_BYTES}. */
  readonly mostBytes?: number;
  /** Aborted: nobody waits for it any more; the promise rejects. */
  readonly signal?: AbortSignal;
}

/** Lets others have their turn. Throws when nobody waits any more. */
type Turn = () => Promise<void>;

/** What became of an export. */
export interface ReportResult {
  readonly text: AsyncIterable<string>;
  readonly tasks: number;
  readonly leftOut: number;
}

/**
 * One HTML file with the history inside. Time is a selection of what is in it in detail; the rest of time is in it as sums.
 * Other selections leave out what they do not want. The newest records are in it in detail as far as they fit. Others have their turn
 * all the while; what comes meanwhile is not in it.
 */
export async function makeReport(store: Store, options: ReportOptions): Promise<ReportResult> {
  const { selection, template, mostBytes = MOST_REPORT_BYTES, signal } = options;
  const turn: Turn = async () => {
    signal?.throwIfAborted();
    await setImmediate();
  };
  const { since, until, ...filter } = selection;
  const { length, dropped } = store.records;
  const messages = await packPart('messages', messagesOf(store));
  const strings = stringsOf(store);
  const any = selection.status ?? 'any';
  const wanted = recordMatcher(store, filter, any, { spent: 0 });
  const within = recordMatcher(store, { since, until }, 'any', { spent: 0 });
  const chosen = (record: RecordIndex): boolean => wanted(record) && within(record);
  const rank = await ranks(store, chosen, length, turn);
  const detailed = new Uint8Array(length);
  // Some bytes for the head and the elements around the parts.
  const room = mostBytes - template.length - messages.text.length - 2 * JSON.stringify(strings).length - 20_000;
  const mostEntries = Math.min(MOST_ENTRIES, room / 20);
  const chunks = await newestFirst(store, chosen, { rank, detailed }, room, length, turn);
  let { bytes } = chunks;
  const has = (record: RecordIndex): boolean => record >= dropped && detailed[record] === 0 && wanted(record);
  let summary = await finished(summarySteps(store, has, length, mostEntries), turn);
  // The oldest chunks make room for the sums of what is left out.
  let packed = summary && (await packPart('summary', summary.bytes));
  while (packed !== null && bytes + packed.text.length > room && chunks.list.length > 0) {
    const free = Math.max(packed.text.length, Math.min(SUMMARY_RESERVE, room / 3)) - (room - bytes);
    for (let freed = 0; freed < free && chunks.list.length > 0; ) {
      const { part, records } = chunks.list.pop()!;
      for (const record of records) detailed[record] = 0;
      bytes -= part.text.length;
      freed += part.text.length;
    }
    summary = await finished(summarySteps(store, has, length, mostEntries), turn);
    packed = summary && (await packPart('summary', summary.bytes));
  }
  const records = chunks.list.reduce((sum, chunk) => sum + chunk.records.length, 0);
  const head: ReportHead = {
    format: REPORT_FORMAT,
    server: options.server,
    made: options.made,
    strings,
    records,
    selection: selectionText(selection),
    range: since !== undefined && until !== undefined ? { since, until } : null,
    dropped,
    notSelected: length - dropped - records - (summary?.leftOut.records ?? 0),
    leftOut: summary?.leftOut ?? null,
  };
  const parts: ReportPart[] = [
    await packPart('head', Buffer.from(JSON.stringify(head))),
    messages,
    ...(packed === null ? [] : [packed]),
    ...chunks.list.map(({ part }) => part).reverse(),
  ];
  return { text: textOf(template, parts), tasks: records, leftOut: summary?.leftOut.records ?? 0 };
}

/** Numbers records from 1 on as a reader of the file will: what a task depended on is named by how far before it that stands. */
async function ranks(
  store: Store,
  has: (record: RecordIndex) => boolean,
  length: number,
  turn: Turn,
): Promise<Uint32Array> {
  const { status, past } = store.records;
  const rank = new Uint32Array(length);
  let next = 1;
  for (let record = store.records.dropped; record < length; record++) {
    if (record % (10 * TURN_RECORDS) === 0) await turn();
    if (status.at(record) !== STATUS_LOST && past.at(record) === 0 && has(record)) rank[record] = next++;
  }
  return rank;
}

interface Chunk {
  readonly part: ReportPart;
  readonly records: readonly RecordIndex[];
}

/** Chunks of records, the newest first, as many as there is room for. */
async function newestFirst(
  store: Store,
  has: (record: RecordIndex) => boolean,
  { rank, detailed }: { readonly rank: Uint32Array; readonly detailed: Uint8Array },
  room: number,
  length: number,
  turn: Turn,
): Promise<{ readonly list: Chunk[]; readonly bytes: number }> {
  const list: Chunk[] = [];
  let bytes = 0;
  let taken = 0;
  const { dropped } = store.records;
  for (let next = length - 1; next >= dropped; ) {
    const chosen: RecordIndex[] = [];
    const looked = next;
    for (; next >= dropped && chosen.length < CHUNK_RECORDS && looked - next < 100 * CHUNK_RECORDS; next--) {
      if (next % (10 * TURN_RECORDS) === 0) await turn();
      if (has(next)) chosen.push(next);
    }
    if (chosen.length === 0) continue;
    chosen.reverse();
    const writer = new RecordsWriter((group) => store.strings.group.at(group));
    for (const [i, record] of chosen.entries()) {
      if (i % TURN_RECORDS === 0) await turn();
      addRecord(writer, store, record, rank);
    }
    const part = await packPart('records', writer.finish());
    taken += chosen.length;
    if (bytes + part.text.length > room || taken > MOST_RECORDS) break;
    for (const record of chosen) detailed[record] = 1;
    list.push({ part, records: chosen });
    bytes += part.text.length;
  }
  return { list, bytes };
}

/** Runs all steps; others have their turn every few milliseconds. */
async function finished(steps: Generator<undefined, Summary | null>, turn: Turn): Promise<Summary | null> {
  for (let began = performance.now(); ; ) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (performance.now() - began < 5) continue;
    await turn();
    began = performance.now();
  }
}

async function* textOf(template: string, parts: readonly ReportPart[]): AsyncGenerator<string> {
  const [before, after] = template.split(REPORT_MARK) as [string, string];
  yield before;
  for (const { kind, text } of parts) yield `<script type="text/plain" data-part="${kind}">${text}</script>\n`;
  yield after;
}

/** What was asked for, as people would say it. */
function selectionText({ since, until, name, worker, status, text, minDuration, maxDuration }: TaskSelection): string {
  const clock = (seconds: Seconds): string =>
    new Date(seconds * 1000).toISOString().replace('T', ' ').replace('Z', ' UTC');
  return [
    since !== undefined && `from ${clock(since)}`,
    until !== undefined && `until ${clock(until)}`,
    name !== undefined && `function ${name.join(' or ')}`,
    worker !== undefined && `worker ${worker.join(' or ')}`,
    minDuration !== undefined && `of at least ${minDuration} s`,
    maxDuration !== undefined && `of at most ${maxDuration} s`,
    status !== undefined && `status ${status}`,
    text !== undefined && `key with “${text}”`,
  ]
    .filter((part) => part !== false)
    .join(', ');
}
