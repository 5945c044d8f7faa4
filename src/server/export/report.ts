import { setImmediate } from 'node:timers/promises';
import { STATUS_LOST } from '../../model/task-state.ts';
import { type RecordIndex, type Seconds, toSeconds } from '../../model/units.ts';
import { listOf, recordMatcher } from '../../store/queries/record-filter.ts';
import type { Store } from '../../store/store.ts';
import { REPORT_FORMAT, REPORT_MARK, type ReportHead } from '../../wire/report.ts';
import { RecordsWriter, type WrittenNames } from '../../wire/report-records.ts';
import {
  addRecord,
  messagesOf,
  namesOf,
  packPart,
  plainPart,
  type ReportPart,
  type Summary,
  stringsOf,
  summarySteps,
} from './report-parts.ts';
import type { Selection } from './store-rows.ts';

/** No report is larger than this. */
export const MOST_REPORT_BYTES = 20_000_000;
/** What the summary of that which is left out may take of it. */
const SUMMARY_RESERVE = 4_500_000;
/** A browser holds so many records in detail within its memory. */
const MOST_RECORDS = 1_500_000;
/** A summary has about so many entries at most: then it takes no more than that. */
const MOST_ENTRIES = 600_000;
/** A chunk begins to learn anew what its numbers are like, so they are large; where one does not fit, its newer half may. */
const CHUNK_RECORDS = 131_072;
const LEAST_CHUNK = 2_048;
/** Records that are brought into another order at once. */
const BLOCK_RECORDS = 16_384;
/** Records between two turns of the event loop. */
const TURN_RECORDS = 1_000;

export interface ReportOptions {
  readonly selection: Selection;
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
  /** The file, in UTF-16 with its mark in front, which every browser believes before anything that a server says. */
  readonly bytes: AsyncIterable<Uint8Array>;
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
  const strings = stringsOf(store);
  const names = namesOf(store);
  const { messages: present, tracks } = messagesOf(store);
  const messages = await packPart('messages', present);
  const any = selection.status ?? 'any';
  const wanted = recordMatcher(store, filter, any, { spent: 0 });
  const within = recordMatcher(store, { since, until }, 'any', { spent: 0 });
  const chosen = (record: RecordIndex): boolean => wanted(record) && within(record);
  const order = await fileOrder(store, chosen, length, turn);
  const detailed = new Uint8Array(length);
  // Some bytes for the head and the elements around the parts.
  const room =
    mostBytes -
    2 * template.length -
    messages.text.length -
    2 * JSON.stringify([strings, tracks.workers]).length -
    20_000;
  const mostEntries = Math.min(MOST_ENTRIES, room / 20);
  const chunks = await newestFirst(store, names, order, detailed, room, turn);
  let { bytes } = chunks;
  const has = (record: RecordIndex): boolean => record >= dropped && detailed[record] === 0 && wanted(record);
  let summary = await finished(summarySteps(store, has, length, mostEntries), turn);
  // The oldest chunks make room for the sums of what is left out.
  let packed = summary && (await packPart('summary', summary.bytes));
  while (packed !== null && bytes + packed.text.length > room && chunks.list.length > 0) {
    const free = Math.max(packed.text.length, Math.min(SUMMARY_RESERVE, room / 3)) - (room - bytes);
    for (let freed = 0; freed < free && chunks.list.length > 0; ) {
      const { parts, records } = chunks.list.pop()!;
      for (const record of records) detailed[record] = 0;
      bytes -= bytesOf(parts);
      freed += bytesOf(parts);
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
    tracks,
    records,
    selection: selectionText(selection),
    range: rangeOf(store, selection),
    dropped,
    notSelected: length - dropped - records - (summary?.leftOut.records ?? 0),
    leftOut: summary?.leftOut ?? null,
  };
  const parts: ReportPart[] = [
    await packPart('head', Buffer.from(JSON.stringify(head))),
    messages,
    ...(packed === null ? [] : [packed]),
    ...chunks.list.reverse().flatMap(({ parts }) => parts),
  ];
  return { bytes: bytesOfFile(template, parts), tasks: records, leftOut: summary?.leftOut.records ?? 0 };
}

interface Order {
  /** The records that are chosen, as they stand in the file. */
  readonly records: Uint32Array;
  /** Numbers records from 1 on as a reader of the file will: what a task depended on is named by how far before it that stands. */
  readonly rank: Uint32Array;
}

/**
 * Records are written in the order in which they ended, by blocks: the time from one to the next is a small number then. Nothing
 * stands before what it depended on, whatever their clocks said.
 */
async function fileOrder(
  store: Store,
  chosen: (record: RecordIndex) => boolean,
  length: number,
  turn: Turn,
): Promise<Order> {
  const { status, past, stop, dependencies, dropped } = store.records;
  const records = new Uint32Array(length);
  let count = 0;
  for (let record = dropped; record < length; record++) {
    if (record % (10 * TURN_RECORDS) === 0) await turn();
    if (chosen(record)) records[count++] = record;
  }
  const rank = new Uint32Array(length);
  let next = 1;
  for (let from = 0; from < count; from += BLOCK_RECORDS) {
    await turn();
    const block = records.subarray(from, Math.min(count, from + BLOCK_RECORDS));
    const ends = new Map<RecordIndex, number>();
    for (const record of block) {
      let end = stop.at(record);
      for (const dependency of dependencies.at(record)) end = Math.max(end, ends.get(dependency) ?? 0);
      ends.set(record, end);
    }
    block.set([...block].sort((a, b) => ends.get(a)! - ends.get(b)! || a - b));
    for (const record of block) if (status.at(record) !== STATUS_LOST && past.at(record) === 0) rank[record] = next++;
  }
  return { records: records.subarray(0, count), rank };
}

interface Chunk {
  readonly parts: readonly ReportPart[];
  readonly records: Uint32Array;
}

function bytesOf(parts: readonly ReportPart[]): number {
  return parts.reduce((sum, { text }) => sum + text.length, 0);
}

/** Chunks of records, the newest first, as many as there is room for. */
async function newestFirst(
  store: Store,
  names: WrittenNames,
  { records, rank }: Order,
  detailed: Uint8Array,
  room: number,
  turn: Turn,
): Promise<{ readonly list: Chunk[]; readonly bytes: number }> {
  const list: Chunk[] = [];
  let left = room;
  // For the sums of what does not fit, once it is known that there is such.
  let reserve = Math.min(SUMMARY_RESERVE, room / 3);
  let size = CHUNK_RECORDS;
  const oldest = Math.max(0, records.length - MOST_RECORDS);
  for (let end = records.length; end > oldest && size >= LEAST_CHUNK; ) {
    const chosen = records.subarray(Math.max(oldest, end - size), end);
    const writer = new RecordsWriter(names);
    for (const [i, record] of chosen.entries()) {
      if (i % TURN_RECORDS === 0) await turn();
      addRecord(writer, store, record, rank);
    }
    const { numbers, texts } = writer.finish();
    const parts = [plainPart('records', numbers), await packPart('texts', texts)];
    if (bytesOf(parts) > left) {
      left -= reserve;
      reserve = 0;
      size /= 2;
      continue;
    }
    for (const record of chosen) detailed[record] = 1;
    list.push({ parts, records: chosen });
    left -= bytesOf(parts);
    end -= chosen.length;
    // Writing a chunk that does not fit costs time: this one says how much others take.
    const each = bytesOf(parts) / chosen.length;
    if (each * (end - oldest) > left) {
      left -= reserve;
      reserve = 0;
    }
    while (size >= LEAST_CHUNK && each * Math.min(size, end) > left) size /= 2;
  }
  const taken = list.reduce((sum, { parts }) => sum + bytesOf(parts), 0);
  return { list, bytes: taken };
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

async function* bytesOfFile(template: string, parts: readonly ReportPart[]): AsyncGenerator<Uint8Array> {
  const [before, after] = template.split(REPORT_MARK) as [string, string];
  yield Buffer.from(`\ufeff${before}`, 'utf16le');
  for (const { kind, text } of parts) {
    yield Buffer.from(`<script type="text/plain" data-part="${kind}">`, 'utf16le');
    yield text;
    yield Buffer.from('</script>\n', 'utf16le');
  }
  yield Buffer.from(after, 'utf16le');
}

function rangeOf(store: Store, { since, until }: Selection): ReportHead['range'] {
  if (since === undefined && until === undefined) return null;
  const first = store.slices.extent()?.since;
  return { since: since ?? toSeconds(first ?? 0), until: until ?? store.now };
}

/** What was asked for, as people would say it. */
function selectionText(selection: Selection): string {
  const { since, until, status, text, tracks, minDuration, maxDuration } = selection;
  const [name, worker] = [listOf(selection.name), listOf(selection.worker)];
  const clock = (seconds: Seconds): string =>
    new Date(seconds * 1000).toISOString().replace('T', ' ').replace('Z', ' UTC');
  return [
    since !== undefined && `from ${clock(since)}`,
    until !== undefined && `until ${clock(until)}`,
    name !== null && `function ${name.join(' or ')}`,
    worker !== null && `worker ${worker.join(' or ')}`,
    minDuration !== undefined && `of at least ${minDuration} s`,
    maxDuration !== undefined && `of at most ${maxDuration} s`,
    status !== undefined && `status ${status}`,
    tracks !== undefined && `${tracks.size} ${tracks.size === 1 ? 'row' : 'rows'}`,
    text !== undefined && (typeof text === 'string' ? `key with “${text}”` : 'keys of a pattern'),
  ]
    .filter((part) => part !== false)
    .join(', ');
}
