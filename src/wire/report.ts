import { ByteSink, ByteSource } from '../base/byte-stream.ts';
import type { StringTableName } from '../model/source-event.ts';
import type { Bytes, Duration, Micros, Seconds, StringIndex } from '../model/units.ts';

/**
 * A report is one HTML file: the page, and a history as parts, each deflated and in base 85 inside an element of its own that no
 * browser runs. `docs/report.md` describes it. Page and parts are written by the same server, so there is one version of it.
 */
export const REPORT_FORMAT = 1;

/** Elements that hold a part: `<script type="text/plain" data-part="…">`. */
export const REPORT_PARTS = [
  /** {@link ReportHead} as JSON. */
  'head',
  /** What the server would say of the present: messages of the wire, each with its length in front. */
  'messages',
  /** A chunk of records, oldest first. */
  'records',
  /** What is left out of the records, as shares. */
  'summary',
] as const;
export type ReportPartKind = (typeof REPORT_PARTS)[number];

/** Where the parts belong in the page that the build makes. */
export const REPORT_MARK = '<!--taskglass-parts-->';

export interface ReportHead {
  readonly format: number;
  /** Version of the server that made it. */
  readonly server: string;
  /** When it was made, by that server's clock. */
  readonly made: Seconds;
  readonly strings: Readonly<Record<StringTableName, readonly string[]>>;
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
