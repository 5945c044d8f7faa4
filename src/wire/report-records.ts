import { ByteSink, ByteSource } from '../base/byte-stream.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import type { TaskError } from '../model/source-event.ts';
import { ACTION_INDEX } from '../model/task-state.ts';
import type { Bytes, Micros, StringIndex } from '../model/units.ts';
import { KeyReader, KeyWriter } from './report-keys.ts';

/** A slice of a record in a report. */
export interface ReportSlice {
  /** Index into ACTIONS. */
  readonly action: number;
  readonly start: Micros;
  readonly stop: Micros;
  /** Worker that a transfer came from; 0 = unknown. */
  readonly origin: StringIndex;
}

/** A record as a report holds it: what the store knows of it. */
export interface ReportRecord {
  readonly key: string;
  readonly fn: StringIndex;
  readonly group: StringIndex;
  readonly worker: StringIndex;
  readonly track: number;
  readonly type: StringIndex;
  /** Index into RECORD_STATUSES. */
  readonly status: number;
  readonly past: boolean;
  readonly nbytes: Bytes;
  readonly start: Micros;
  readonly stop: Micros;
  /** When its dependencies were there; null where that is not known. Never after its start. */
  readonly ready: Micros | null;
  /** How many tasks it depended on. */
  readonly needs: number;
  /** How many records of the file before it, without past and lost ones, those of them are that are known. */
  readonly back: readonly number[];
  readonly slices: readonly ReportSlice[];
  readonly error?: TaskError | undefined;
}

/** One stream of bytes a column: what is alike lies together, which is what makes it small once deflated. */
const COLUMNS = [
  'flags',
  'fn',
  'names',
  'track',
  'nbytes',
  'own',
  'count',
  'action',
  'start',
  'length',
  'origin',
  'wait',
  'needs',
  'back',
  'forms',
  'numbers',
  'texts',
  'hashes',
] as const;
type Columns<T> = Readonly<Record<(typeof COLUMNS)[number], T>>;

const FLAG_PAST = 1;
/** Its start and stop are not those of its slices. */
const FLAG_OWN = 2;
/** Another worker than the last one on the track, another group or type than the last of the function. */
const FLAG_WORKER = 4;
const FLAG_GROUP = 8;
const FLAG_TYPE = 16;
const FLAG_NBYTES = 32;
const STATUS_SHIFT = 6;

/** What is expected of the next record: the same as of the last one of its function, or of its track. */
class Last {
  readonly group = new Map<number, number>();
  readonly type = new Map<number, number>();
  readonly nbytes = new Map<number, number>();
  readonly worker = new Map<number, number>();
  /** When a track had last something: the next thing begins soon after. */
  readonly stop = new Map<number, Micros>();
  track = 0;
  base: Micros = 0;
}

/** A chunk of records, each chunk by itself: what is known of one is not needed to read another. */
export class RecordsWriter {
  readonly #to = Object.fromEntries(COLUMNS.map((name) => [name, new ByteSink()])) as Columns<ByteSink>;
  readonly #keys = new KeyWriter(this.#to);
  readonly #groupName: (group: StringIndex) => string;
  readonly #last = new Last();
  readonly #errors: [number, TaskError][] = [];
  #length = 0;

  constructor(groupName: (group: StringIndex) => string) {
    this.#groupName = groupName;
  }

  get length(): number {
    return this.#length;
  }

  add(record: ReportRecord): void {
    const to = this.#to;
    const last = this.#last;
    const { fn, group, worker, track, type, status, past, nbytes, slices } = record;
    const [start, stop] = extentOf(slices);
    let flags = (past ? FLAG_PAST : 0) | (status << STATUS_SHIFT);
    if (start !== record.start || stop !== record.stop) flags |= FLAG_OWN;
    if (last.worker.get(track) !== worker) flags |= FLAG_WORKER;
    if (last.group.get(fn) !== group) flags |= FLAG_GROUP;
    if (last.type.get(fn) !== type) flags |= FLAG_TYPE;
    if (!Object.is(last.nbytes.get(fn), nbytes)) flags |= FLAG_NBYTES;
    to.flags.byte(flags);
    to.fn.whole(fn);
    to.track.signed(track - last.track);
    last.track = track;
    if (flags & FLAG_WORKER) to.names.whole(worker);
    if (flags & FLAG_GROUP) to.names.whole(group);
    if (flags & FLAG_TYPE) to.names.whole(type);
    if (flags & FLAG_NBYTES) writeBytes(to.nbytes, nbytes);
    last.worker.set(track, worker);
    last.group.set(fn, group);
    last.type.set(fn, type);
    last.nbytes.set(fn, nbytes);
    let at = last.stop.get(track) ?? last.base;
    if (flags & FLAG_OWN) {
      to.own.signed(record.start - at);
      to.own.signed(record.stop - record.start);
    }
    to.count.whole(slices.length);
    for (const slice of slices) {
      to.action.byte(slice.action);
      to.start.signed(slice.start - at);
      to.length.whole(slice.stop - slice.start);
      if (slice.action === ACTION_INDEX.transfer) to.origin.whole(slice.origin);
      at = slice.stop;
    }
    last.stop.set(track, record.stop);
    if (last.base === 0) last.base = record.start;
    to.wait.whole(record.ready === null ? 0 : record.start - record.ready + 1);
    to.needs.whole(record.needs);
    to.needs.whole(record.back.length);
    for (const distance of record.back) to.back.whole(distance);
    this.#keys.write(record.key, group, this.#groupName(group));
    if (record.error !== undefined) this.#errors.push([this.#length, record.error]);
    this.#length++;
  }

  /** Number of records, columns, errors. */
  finish(): Uint8Array<ArrayBuffer> {
    const all = new ByteSink();
    all.whole(this.#length);
    for (const name of COLUMNS) {
      const bytes = this.#to[name].take();
      all.whole(bytes.length);
      all.raw(bytes);
    }
    all.raw(encodeUtf8(JSON.stringify(this.#errors)));
    return all.take();
  }
}

/** The records of a chunk, in order. Throws a RangeError or a SyntaxError where it is damaged. */
export function* readRecords(
  bytes: Uint8Array,
  groupName: (group: StringIndex) => string,
): Generator<ReportRecord, void> {
  const all = new ByteSource(bytes);
  const length = all.whole();
  const columns = COLUMNS.map((name) => [name, new ByteSource(all.raw(all.whole()))] as const);
  const from = Object.fromEntries(columns) as Columns<ByteSource>;
  const errors = new Map(JSON.parse(decodeUtf8(all.rest())) as [number, TaskError][]);
  const keys = new KeyReader(from);
  const last = new Last();
  for (let row = 0; row < length; row++) {
    const flags = from.flags.byte();
    const fn = from.fn.whole();
    const track = last.track + from.track.signed();
    last.track = track;
    const worker = flags & FLAG_WORKER ? from.names.whole() : last.worker.get(track)!;
    const group = flags & FLAG_GROUP ? from.names.whole() : last.group.get(fn)!;
    const type = flags & FLAG_TYPE ? from.names.whole() : last.type.get(fn)!;
    const nbytes = flags & FLAG_NBYTES ? readBytes(from.nbytes) : last.nbytes.get(fn)!;
    last.worker.set(track, worker);
    last.group.set(fn, group);
    last.type.set(fn, type);
    last.nbytes.set(fn, nbytes);
    let at = last.stop.get(track) ?? last.base;
    let own: readonly [Micros, Micros] | null = null;
    if (flags & FLAG_OWN) {
      const start = at + from.own.signed();
      own = [start, start + from.own.signed()];
    }
    const slices: ReportSlice[] = [];
    for (let left = from.count.whole(); left > 0; left--) {
      const action = from.action.byte();
      const start = at + from.start.signed();
      at = start + from.length.whole();
      const origin = action === ACTION_INDEX.transfer ? from.origin.whole() : 0;
      slices.push({ action, start, stop: at, origin });
    }
    const [start, stop] = own ?? extentOf(slices);
    last.stop.set(track, stop);
    if (last.base === 0) last.base = start;
    const wait = from.wait.whole();
    const ready = wait === 0 ? null : start - (wait - 1);
    const needs = from.needs.whole();
    const back: number[] = [];
    for (let left = from.needs.whole(); left > 0; left--) back.push(from.back.whole());
    const key = keys.read(group, groupName(group));
    const error = errors.get(row);
    const status = flags >>> STATUS_SHIFT;
    const past = (flags & FLAG_PAST) !== 0;
    const names = { key, fn, group, worker, track, type };
    yield { ...names, status, past, nbytes, start, stop, ready, needs, back, slices, error };
  }
}

function extentOf(slices: readonly ReportSlice[]): readonly [start: Micros, stop: Micros] {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { start, stop } of slices) {
    if (start < first) first = start;
    if (stop > last) last = stop;
  }
  return [first, last];
}

/** What is no whole number (NaN: not known) takes eight bytes behind a 0. */
function writeBytes(to: ByteSink, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value < 2 ** 52) {
    to.whole(value + 1);
  } else {
    to.whole(0);
    to.float(value);
  }
}

function readBytes(from: ByteSource): number {
  const value = from.whole();
  return value === 0 ? from.float() : value - 1;
}
