import { ByteSink, ByteSource } from '../base/byte-stream.ts';
import type { TrackView } from '../model/batch.ts';
import type { StringTableName } from '../model/source-event.ts';
import type { Bytes, Duration, Micros, Seconds, StringIndex } from '../model/units.ts';

/**
 * A report is one HTML file in UTF-16: the page, and a history as parts, each as wide text (`src/base/wide-text.ts`) inside an element
 * of its own that no browser runs. `docs/report.md` describes it. Page and parts are written by the same server, so there is one
 * version of it.
 */
export const REPORT_FORMAT = 3;

/** Elements that hold a part: `<script type="text/plain" data-part="…">`. All but `records` are deflated. */
export const REPORT_PARTS = [
  /** The page's own styles and script, for those that are in its policy by their hashes. */
  'style',
  'script',
  /** {@link ReportHead} as JSON. */
  'head',
  /** What the server would say of the present: messages of the wire, each with its length in front. */
  'messages',
  /** Numbers and hashes of a chunk of records, the oldest chunk first. */
  'records',
  /** Texts of the chunk that stands before it. */
  'texts',
  /** What is left out of the records, as shares. */
  'summary',
] as const;
export type ReportPartKind = (typeof REPORT_PARTS)[number];

/** Where the parts belong in the page that the build makes. */
export const REPORT_MARK = '<!--taskglass-parts-->';

type ReportTable = Extract<StringTableName, 'function' | 'worker'>;

export interface ReportHead {
  readonly format: number;
  /** Version of the server that made it. */
  readonly server: string;
  /** When it was made, by that server's clock. */
  readonly made: Seconds;
  /** What the present names too. Groups and types stand with the records that have them. */
  readonly strings: Readonly<Record<ReportTable, readonly string[]>>;
  /** The rows, which are not in the state: there they take many times as much. */
  readonly tracks: PackedTracks;
  /** Records in the file. */
  readonly records: number;
  /** What was asked for, for people; empty for everything. */
  readonly selection: string;
  /** The range that was asked for: what the page shows first. */
  readonly range: { readonly since: Seconds; readonly until: Seconds } | null;
  /** Records of the history that the server itself did not hold any more. */
  readonly dropped: number;
  /** Records of the history that the selection does not want and of which nothing is in the file. */
  readonly notSelected: number;
  readonly leftOut: LeftOut | null;
}

/** Rows as what deflates to nearly nothing: names once a worker, numbers as differences from the row before. */
export interface PackedTracks {
  /** The address is left out where it is the worker's own text. */
  readonly workers: readonly (readonly [worker: StringIndex, address: string, name: string, host: string])[];
  readonly track: readonly number[];
  /** Place in `workers`. */
  readonly of: readonly number[];
  readonly slot: readonly number[];
  readonly alive: readonly number[];
}

export function packTracks(tracks: readonly TrackView[], texts: readonly string[]): PackedTracks {
  const workers: [StringIndex, string, string, string][] = [];
  const places = new Map<string, number>();
  const of = tracks.map(({ worker, address, name, host }) => {
    const key = JSON.stringify([worker, address, name, host]);
    const place = places.get(key) ?? workers.push([worker, address === texts[worker] ? '' : address, name, host]) - 1;
    places.set(key, place);
    return place;
  });
  return {
    workers,
    track: differences(tracks.map(({ track }) => track)),
    of: differences(of),
    slot: differences(tracks.map(({ slot }) => slot)),
    alive: differences(tracks.map(({ alive }) => (alive ? 1 : 0))),
  };
}

export function unpackTracks({ workers, ...columns }: PackedTracks, texts: readonly string[]): TrackView[] {
  const [track, of, slot, alive] = [columns.track, columns.of, columns.slot, columns.alive].map(sums) as [
    number[],
    number[],
    number[],
    number[],
  ];
  return track.map((number, i) => {
    const [worker, address, name, host] = workers[of[i]!]!;
    return {
      track: number,
      worker,
      address: address || (texts[worker] ?? ''),
      name,
      host,
      slot: slot[i]!,
      alive: alive[i] === 1,
    };
  });
}

function differences(values: readonly number[]): number[] {
  return values.map((value, i) => value - (values[i - 1] ?? 0));
}

function sums(differences: readonly number[]): number[] {
  let sum = 0;
  return differences.map((difference) => {
    sum += difference;
    return sum;
  });
}

/** Records that are in the file as sums alone: their busy time by track, bin and function, and what each function did. */
export interface LeftOut {
  readonly records: number;
  /** From the first start to the last stop of them. */
  readonly since: Micros;
  readonly until: Micros;
  /** Bins of the shares are 2^level µs wide. */
  readonly level: number;
  readonly functions: readonly LeftOutFunction[];
}

export interface LeftOutFunction {
  readonly fn: StringIndex;
  readonly records: number;
  readonly erred: number;
  /** Of its computes: sum and greatest. */
  readonly total: Duration;
  readonly most: Duration;
  readonly nbytes: Bytes;
}

/** Busy time of one function and kind in one bin of a track. */
export interface SummaryEntry {
  readonly track: number;
  /** Number of the bin, counted since epoch at the level of the summary. */
  readonly bin: number;
  readonly fn: StringIndex;
  /** Index into ACTIONS. */
  readonly action: number;
  /** Index into RECORD_STATUSES. */
  readonly status: number;
  readonly busy: Micros;
}

const KINDS = 16;
const ACTIONS = 5;

/** Entries in the order of track and bin. */
export class SummaryWriter {
  readonly #tracks = new ByteSink();
  readonly #bins = new ByteSink();
  readonly #codes = new ByteSink();
  readonly #busy = new ByteSink();
  #length = 0;
  #track = 0;
  #bin = 0;

  get length(): number {
    return this.#length;
  }

  add({ track, bin, fn, action, status, busy }: SummaryEntry): void {
    this.#tracks.whole(track - this.#track);
    this.#bins.signed(bin - this.#bin);
    this.#codes.whole(fn * KINDS + action + ACTIONS * status);
    this.#busy.whole(busy);
    this.#track = track;
    this.#bin = bin;
    this.#length++;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const all = new ByteSink();
    all.whole(this.#length);
    for (const column of [this.#tracks, this.#bins, this.#codes, this.#busy]) {
      const bytes = column.take();
      all.whole(bytes.length);
      all.raw(bytes);
    }
    return all.take();
  }
}

/** Throws a RangeError where it is damaged. */
export function* readSummary(bytes: Uint8Array): Generator<SummaryEntry, void> {
  const all = new ByteSource(bytes);
  const length = all.whole();
  const column = (): ByteSource => new ByteSource(all.raw(all.whole()));
  const [tracks, bins, codes, busy] = [column(), column(), column(), column()];
  let track = 0;
  let bin = 0;
  for (let i = 0; i < length; i++) {
    track += tracks.whole();
    bin += bins.signed();
    const code = codes.whole();
    const kind = code % KINDS;
    const fn = (code - kind) / KINDS;
    yield { track, bin, fn, action: kind % ACTIONS, status: Math.floor(kind / ACTIONS), busy: busy.whole() };
  }
}

/** Several messages as one part. */
export function joinMessages(messages: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new ByteSink();
  for (const message of messages) {
    all.whole(message.length);
    all.raw(message);
  }
  return all.take();
}

export function splitMessages(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
  const messages: Uint8Array<ArrayBuffer>[] = [];
  for (const all = new ByteSource(bytes); all.left > 0; ) messages.push(all.raw(all.whole()).slice());
  return messages;
}
