import { ByteSink, ByteSource } from '../base/byte-stream.ts';
import { lengthOf, NumberDecoder, NumberEncoder, NumberModel, NumberModels } from '../base/number-coder.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import type { StringTableName, TaskError } from '../model/source-event.ts';
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

/** A record has no more slices or dependencies than this. */
const MOST_PARTS = 65_535;
/** Nor has a chunk more records. */
const MOST_RECORDS = 2 ** 20;

/** What is often set is small. Another size than that of the last task of the function; */
const FLAG_NBYTES = 1;
/** another group or type than that, another worker than the last one on the track; */
const FLAG_GROUP = 2;
const FLAG_TYPE = 4;
const FLAG_WORKER = 8;
/** its start and stop are not those of its slices. */
const FLAG_OWN = 16;
const FLAG_PAST = 32;

/** Tracks in the order of their last records: what a function takes its time for ends where something began that long ago. */
class Recent {
  /** The last one last. */
  #tracks = new Uint32Array(64);
  #length = 0;

  /** How many tracks had something since; -1 for one that had nothing yet. */
  rank(track: number): number {
    const at = this.#tracks.subarray(0, this.#length).lastIndexOf(track);
    return at < 0 ? -1 : this.#length - 1 - at;
  }

  /** Throws a RangeError where there is none. */
  track(rank: number): number {
    if (rank >= this.#length) throw new RangeError('there is no such track');
    return this.#tracks[this.#length - 1 - rank]!;
  }

  touch(track: number, rank: number): void {
    if (rank < 0) {
      if (this.#length === this.#tracks.length) {
        const tracks = new Uint32Array(2 * this.#length);
        tracks.set(this.#tracks);
        this.#tracks = tracks;
      }
      this.#length++;
    } else {
      this.#tracks.copyWithin(this.#length - 1 - rank, this.#length - rank, this.#length);
    }
    this.#tracks[this.#length - 1] = track;
  }
}

/** What is expected of the next record: the same as of the last one of its function, or of its track. */
class Expected {
  readonly group = new Map<number, number>();
  readonly type = new Map<number, number>();
  readonly nbytes = new Map<number, number>();
  readonly worker = new Map<number, number>();
  /** When a track had last something: the next thing begins soon after. */
  readonly stop = new Map<number, Micros>();
  /** Of all records so far, the last. */
  latest: Micros = 0;
  /** Start of the first record. */
  first: Micros | null = null;
  fn = 0;
  readonly recent = new Recent();
  readonly models = {
    flags: new NumberModels(),
    status: new NumberModels(),
    fn: new NumberModels(),
    names: new NumberModel(),
    rank: new NumberModels(4),
    track: new NumberModel(),
    nbytes: new NumberModels(4),
    own: new NumberModel(),
    count: new NumberModels(),
    action: new NumberModels(),
    start: new NumberModels(),
    length: new NumberModels(),
    end: new NumberModels(4),
    origin: new NumberModel(),
    wait: new NumberModel(6),
    needs: new NumberModels(),
    linked: new NumberModels(),
    back: new NumberModel(4),
  };
  /** By function: how many digits the length of its last slices had, and how many the time since all records so far; in 64ths. */
  readonly #digits = new Map<number, { byLength: number; byEnd: number }>();

  /** Whether the last slice of a record is better told by its length, or by how long after all others it ended. */
  byLength(fn: number): boolean {
    const { byLength, byEnd } = this.#of(fn);
    return byLength <= byEnd;
  }

  ended(fn: number, length: Micros, end: Micros): void {
    const digits = this.#of(fn);
    // Whole numbers: every browser comes to the same ones.
    digits.byLength += (lengthOf(length) * 64 - digits.byLength) >> 4;
    digits.byEnd += (lengthOf(Math.abs(end)) * 64 - digits.byEnd) >> 4;
  }

  #of(fn: number): { byLength: number; byEnd: number } {
    let digits = this.#digits.get(fn);
    if (digits === undefined) {
      digits = { byLength: 20 * 64, byEnd: 20 * 64 };
      this.#digits.set(fn, digits);
    }
    return digits;
  }
}

/** What a record's slices are expected to be like. */
function actionKind(fn: number, count: number, i: number): number {
  return fn * 8 + Math.min(count, 3) * 2 + Math.min(i, 1);
}

/** Records stand in the order of their ends but behind what they depended on: one that stands close behind that may have ended before. */
function heldKind(back: readonly number[]): number {
  let least = 7;
  for (const distance of back) least = Math.min(least, distance);
  return least;
}

/** A chunk as it was written: numbers and hashes, which do not compress any more, and texts, which do. */
export interface RecordsChunk {
  readonly numbers: Uint8Array<ArrayBuffer>;
  readonly texts: Uint8Array<ArrayBuffer>;
}

/** Tables of strings that each chunk has of its own: a history names as many as it likes, of which a file needs a few. */
type ChunkTable = Extract<StringTableName, 'group' | 'type'>;

/** What a chunk is written from: strings of its own tables, and which worker a track was last known of. */
export interface WrittenNames {
  text(table: ChunkTable, index: StringIndex): string;
  worker(track: number): StringIndex;
}

/** Where a chunk is read to. */
export interface ReadNames {
  intern(table: ChunkTable, text: string): StringIndex;
  worker(track: number): StringIndex;
}

/** Strings of a chunk in the order in which its records name them; number 0 is the empty one. */
class ChunkStrings {
  readonly texts: string[] = [''];
  readonly #numbers = new Map<StringIndex, number>([[0, 0]]);

  number(index: StringIndex, text: (index: StringIndex) => string): number {
    let number = this.#numbers.get(index);
    if (number === undefined) {
      number = this.texts.push(text(index)) - 1;
      this.#numbers.set(index, number);
    }
    return number;
  }
}

/** What stands at the end of a chunk's texts, as JSON. */
interface ChunkTail {
  /** Each table from its first string on that is not empty. */
  readonly group: readonly string[];
  readonly type: readonly string[];
  /** Errors by row. */
  readonly errors: readonly (readonly [row: number, error: TaskError])[];
}

/**
 * A chunk of records, each chunk by itself: what is known of one is not needed to read another. They take the least room in the
 * order in which they ended.
 */
export class RecordsWriter {
  readonly #numbers = new NumberEncoder();
  readonly #hashes = new ByteSink();
  readonly #texts = new ByteSink();
  readonly #keys = new KeyWriter({ numbers: this.#numbers, texts: this.#texts, hashes: this.#hashes });
  readonly #names: WrittenNames;
  readonly #groups = new ChunkStrings();
  readonly #types = new ChunkStrings();
  readonly #last = new Expected();
  readonly #errors: [number, TaskError][] = [];
  #length = 0;

  constructor(names: WrittenNames) {
    this.#names = names;
  }

  get length(): number {
    return this.#length;
  }

  add(record: ReportRecord): void {
    const to = this.#numbers;
    const last = this.#last;
    const { models } = last;
    const { fn, worker, track, status, past, nbytes, slices } = record;
    const group = this.#groups.number(record.group, (index) => this.#names.text('group', index));
    const type = this.#types.number(record.type, (index) => this.#names.text('type', index));
    const [start, stop] = extentOf(slices);
    let flags = past ? FLAG_PAST : 0;
    if (start !== record.start || stop !== record.stop) flags |= FLAG_OWN;
    if ((last.worker.get(track) ?? this.#names.worker(track)) !== worker) flags |= FLAG_WORKER;
    if (last.group.get(fn) !== group) flags |= FLAG_GROUP;
    if (last.type.get(fn) !== type) flags |= FLAG_TYPE;
    if (!Object.is(last.nbytes.get(fn), nbytes)) flags |= FLAG_NBYTES;
    to.whole(models.fn.of(last.fn), fn);
    to.whole(models.flags.of(fn), flags);
    to.whole(models.status.of(fn), status);
    const rank = last.recent.rank(track);
    to.whole(models.rank.of(fn), rank + 1);
    if (rank < 0) to.whole(models.track, track);
    last.recent.touch(track, rank);
    if (flags & FLAG_WORKER) to.whole(models.names, worker);
    if (flags & FLAG_GROUP) to.whole(models.names, group);
    if (flags & FLAG_TYPE) to.whole(models.names, type);
    if (flags & FLAG_NBYTES) writeBytes(to, models.nbytes.of(fn), this.#hashes, nbytes);
    last.fn = fn;
    last.worker.set(track, worker);
    last.group.set(fn, group);
    last.type.set(fn, type);
    last.nbytes.set(fn, nbytes);
    to.whole(models.needs.of(fn), record.needs);
    to.whole(models.linked.of(Math.min(record.needs, 15)), record.back.length);
    for (const distance of record.back) to.whole(models.back, distance);
    const held = heldKind(record.back);
    const known = last.stop.get(track);
    let at = known ?? last.first ?? 0;
    if (flags & FLAG_OWN) {
      to.signed(models.own, record.start - at);
      to.signed(models.own, record.stop - record.start);
    }
    const count = slices.length;
    to.whole(models.count.of(fn), count);
    slices.forEach((slice, i) => {
      const { action } = slice;
      to.whole(models.action.of(actionKind(fn, count, i)), action);
      to.signed(models.start.of(i > 0 ? 2 : known === undefined ? 1 : 0), slice.start - at);
      if (action === ACTION_INDEX.transfer) to.whole(models.origin, slice.origin);
      at = slice.stop;
      const length = slice.stop - slice.start;
      const end = slice.stop - last.latest;
      if (i < count - 1 || last.byLength(fn)) to.whole(models.length.of(fn * 8 + action), length);
      else to.signed(models.end.of(held), end);
      if (i === count - 1) last.ended(fn, length, end);
    });
    last.stop.set(track, record.stop);
    last.first ??= record.start;
    last.latest = Math.max(last.latest, record.stop);
    to.whole(models.wait, record.ready === null ? 0 : record.start - record.ready + 1);
    this.#keys.write(record.key, group, this.#groups.texts[group]!);
    if (record.error !== undefined) this.#errors.push([this.#length, record.error]);
    this.#length++;
  }

  finish(): RecordsChunk {
    const all = new ByteSink();
    all.whole(this.#length);
    const numbers = this.#numbers.finish();
    all.whole(numbers.length);
    all.raw(numbers);
    all.raw(this.#hashes.take());
    const texts = new ByteSink();
    texts.whole(this.#texts.length);
    texts.raw(this.#texts.take());
    const tail: ChunkTail = {
      group: this.#groups.texts.slice(1),
      type: this.#types.texts.slice(1),
      errors: this.#errors,
    };
    texts.raw(encodeUtf8(JSON.stringify(tail)));
    return { numbers: all.take(), texts: texts.take() };
  }
}

/** The records of a chunk, in order. Throws a RangeError or a SyntaxError where it is damaged. */
export function* readRecords(chunk: RecordsChunk, names: ReadNames): Generator<ReportRecord, void> {
  const all = new ByteSource(chunk.numbers);
  const length = all.whole();
  if (length > MOST_RECORDS) throw new RangeError('a chunk has too many records');
  const from = new NumberDecoder(all.raw(all.whole()));
  const hashes = new ByteSource(all.rest());
  const rest = new ByteSource(chunk.texts);
  const texts = new ByteSource(rest.raw(rest.whole()));
  const tail = JSON.parse(decodeUtf8(rest.rest())) as ChunkTail;
  const errors = new Map(tail.errors);
  const groups = ['', ...tail.group];
  const groupIndices = groups.map((text) => names.intern('group', text));
  const typeIndices = ['', ...tail.type].map((text) => names.intern('type', text));
  const keys = new KeyReader({ numbers: from, texts, hashes });
  const last = new Expected();
  const { models } = last;
  for (let row = 0; row < length; row++) {
    const fn = from.whole(models.fn.of(last.fn));
    const flags = from.whole(models.flags.of(fn));
    const status = from.whole(models.status.of(fn));
    const rank = from.whole(models.rank.of(fn)) - 1;
    const track = rank < 0 ? from.whole(models.track) : last.recent.track(rank);
    last.recent.touch(track, rank);
    const worker = flags & FLAG_WORKER ? from.whole(models.names) : (last.worker.get(track) ?? names.worker(track));
    const group = flags & FLAG_GROUP ? from.whole(models.names) : last.group.get(fn)!;
    const type = flags & FLAG_TYPE ? from.whole(models.names) : last.type.get(fn)!;
    const nbytes = flags & FLAG_NBYTES ? readBytes(from, models.nbytes.of(fn), hashes) : last.nbytes.get(fn)!;
    last.fn = fn;
    last.worker.set(track, worker);
    last.group.set(fn, group);
    last.type.set(fn, type);
    last.nbytes.set(fn, nbytes);
    const needs = from.whole(models.needs.of(fn));
    const back: number[] = [];
    for (let left = few(from.whole(models.linked.of(Math.min(needs, 15)))); left > 0; left--) {
      back.push(from.whole(models.back));
    }
    const held = heldKind(back);
    const known = last.stop.get(track);
    let at = known ?? last.first ?? 0;
    let own: readonly [Micros, Micros] | null = null;
    if (flags & FLAG_OWN) {
      const start = at + from.signed(models.own);
      own = [start, start + from.signed(models.own)];
    }
    const count = few(from.whole(models.count.of(fn)));
    const slices: ReportSlice[] = [];
    for (let i = 0; i < count; i++) {
      const action = from.whole(models.action.of(actionKind(fn, count, i)));
      const start = at + from.signed(models.start.of(i > 0 ? 2 : known === undefined ? 1 : 0));
      const origin = action === ACTION_INDEX.transfer ? from.whole(models.origin) : 0;
      if (i < count - 1 || last.byLength(fn)) at = start + from.whole(models.length.of(fn * 8 + action));
      else at = last.latest + from.signed(models.end.of(held));
      if (i === count - 1) last.ended(fn, at - start, at - last.latest);
      slices.push({ action, start, stop: at, origin });
    }
    const [start, stop] = own ?? extentOf(slices);
    last.stop.set(track, stop);
    last.first ??= start;
    last.latest = Math.max(last.latest, stop);
    const wait = from.whole(models.wait);
    const ready = wait === 0 ? null : start - (wait - 1);
    const key = keys.read(group, found(groups[group]));
    const error = errors.get(row);
    const past = (flags & FLAG_PAST) !== 0;
    const named = { key, fn, group: found(groupIndices[group]), worker, track, type: found(typeIndices[type]) };
    yield { ...named, status, past, nbytes, start, stop, ready, needs, back, slices, error };
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('there is no such string');
  return value;
}

function few(count: number): number {
  if (count > MOST_PARTS) throw new RangeError('a record has too many parts');
  return count;
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

/** What is no whole number (NaN: not known) takes eight bytes elsewhere. */
function writeBytes(to: NumberEncoder, model: NumberModel, elsewhere: ByteSink, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value < 2 ** 52) {
    to.whole(model, value + 1);
  } else {
    to.whole(model, 0);
    elsewhere.float(value);
  }
}

function readBytes(from: NumberDecoder, model: NumberModel, elsewhere: ByteSource): number {
  const value = from.whole(model);
  return value === 0 ? elsewhere.float() : value - 1;
}
