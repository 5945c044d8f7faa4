import { briefOf, type FinishedBrief } from '../../model/finished-brief.ts';
import type { FinishedColumns, SourceEvent, SourceSink } from '../../model/source-event.ts';
import type { Seconds } from '../../model/units.ts';
import { parseSeal, Rows, RowsError, unpack } from '../reader.ts';
import { openRegular, readRegular } from '../regular-file.ts';
import { RunningKeys } from '../sealing/running-order.ts';
import { BLOCK, type Block, fileHead, readBlocks } from './blocks.ts';
import { EventDecoder, RecordingError, type State } from './event-decoder.ts';
import { eventsFile, journalFile, tasksFile } from './format.ts';
import { decodeBrief } from './rows-block.ts';

/** One thing that a segment says, without its finished tasks: what they change is told in brief. */
export type Told =
  | { readonly kind: 'state'; readonly state: State }
  | {
      readonly kind: 'event';
      readonly event: SourceEvent;
      readonly brief: FinishedBrief | null;
      /** The tasks of the scheduler's own buffer, where they were asked for. */
      readonly past?: FinishedColumns;
    };

/** So much of a journal is decoded at a stretch, bytes. */
const PIECE = 1_048_576;
/** A file's head is looked for in so much of it first. */
const PREFIX = 262_144;

/**
 * One segment, read from its beginning in pieces that take a few milliseconds each. A journal may grow meanwhile, and be sealed.
 * Damage ends it.
 */
export class Tape {
  readonly #directory: string;
  readonly #number: number;
  readonly #intern: SourceSink['intern'];
  readonly #pastRows: boolean;
  #decoder: EventDecoder;
  #running = new RunningKeys();
  #parts: FinishedColumns[] = [];
  #brief: ((time: Seconds) => FinishedBrief) | null = null;
  /** Blocks that were read and not told yet. */
  #blocks: Block[] = [];
  #rows: Rows | null = null;
  #rowsPassed = false;
  #sealed = false;
  /** Bytes of the journal that were read. */
  #offset = 0;
  #told = 0;
  /** Told before, by the journal that was sealed since. */
  #skip = 0;
  #broken = false;

  /** `pastRows`: also the tasks of the scheduler's own buffer, some of which may have been recorded before. */
  constructor(directory: string, number: number, intern: SourceSink['intern'], pastRows = false) {
    this.#pastRows = pastRows;
    this.#directory = directory;
    this.#number = number;
    this.#intern = intern;
    this.#decoder = new EventDecoder(intern);
  }

  /** What comes next; null when there is no more for now. */
  async next(): Promise<readonly Told[] | null> {
    while (!this.#broken) {
      if (this.#blocks.length === 0 && !(await this.#read())) return null;
      const told = await this.#tell();
      const fresh = this.#skip === 0 ? told : told.slice(this.#skip);
      this.#skip = Math.max(0, this.#skip - told.length);
      this.#told += fresh.length;
      if (fresh.length > 0) return fresh;
    }
    return null;
  }

  /** More blocks, from wherever the segment is by now. False: none. */
  async #read(): Promise<boolean> {
    try {
      return await this.#readOn();
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
      this.#broken = true;
      return false;
    }
  }

  async #readOn(): Promise<boolean> {
    if (this.#sealed) return false;
    if (this.#offset === 0 && (await this.#openSealed())) return this.#blocks.length > 0;
    const file = journalFile(this.#directory, this.#number);
    const more = await readFrom(file, this.#offset);
    if (more === null) {
      if (!(await this.#openSealed())) return false;
      this.#skip = this.#told;
      this.#told = 0;
      return this.#blocks.length > 0;
    }
    const head = this.#offset === 0 ? Buffer.alloc(0) : fileHead('journal');
    const bytes = Buffer.concat([head, more]);
    const { blocks, damage } = readBlocks(bytes, 'journal', file);
    this.#blocks = [...blocks];
    this.#offset += (damage?.offset ?? bytes.length) - head.length;
    return blocks.length > 0;
  }

  async #openSealed(): Promise<boolean> {
    const file = eventsFile(this.#directory, this.#number);
    const bytes = await readRegular(file);
    if (bytes === null) return false;
    const { blocks } = readBlocks(bytes, 'events', file);
    const last = blocks.at(-1);
    const seal = last?.type === BLOCK.seal ? parseSeal(last.payload) : null;
    this.#blocks = blocks.filter(({ type }) => type === BLOCK.packed);
    this.#sealed = true;
    this.#decoder = new EventDecoder(this.#intern);
    this.#running = new RunningKeys();
    this.#parts = [];
    const tasks = tasksFile(this.#directory, this.#number);
    this.#openRows = () => Rows.open(tasks, seal?.parquet ?? null, this.#intern);
    return true;
  }

  #openRows: () => Promise<Rows> = async () => Rows.none();

  async #tell(): Promise<Told[]> {
    const told: Told[] = [];
    try {
      if (this.#sealed) {
        const inner = unpack(this.#blocks.shift()!.payload);
        if (inner === null) throw new RecordingError('compressed events cannot be read');
        for (const { type, payload } of inner) await this.#add(type, payload, told);
      } else {
        let bytes = 0;
        let at = 0;
        for (; at < this.#blocks.length && bytes < PIECE; at++) {
          const { type, payload } = this.#blocks[at]!;
          bytes += payload.length;
          await this.#add(type, payload, told);
        }
        this.#blocks.splice(0, at);
      }
    } catch (error) {
      if (!(error instanceof RecordingError || error instanceof RowsError)) throw error;
      this.#broken = true;
    }
    return told;
  }

  #add(type: number, payload: Buffer, told: Told[]): Promise<void> | undefined {
    switch (type) {
      case BLOCK.strings:
        this.#decoder.strings(payload);
        break;
      case BLOCK.finished:
        this.#parts.push(this.#decoder.finished(payload));
        break;
      case BLOCK.rows:
        this.#brief = decodeBrief(payload, this.#running);
        if (this.#brief === null) return this.#takeRows(payload);
        // A scheduler's buffer is told first, so its rows are the first ones.
        if (this.#pastRows && this.#brief(0).past && !this.#rowsPassed) {
          this.#brief = null;
          return this.#takeRows(payload);
        }
        this.#rowsPassed = true;
        break;
      case BLOCK.state: {
        const state = this.#decoder.state(payload);
        for (const event of state.events) this.#running.saw(event);
        told.push({ kind: 'state', state });
        break;
      }
      case BLOCK.event: {
        const event = this.#decoder.event(payload, this.#brief === null ? this.#parts : null);
        this.#running.saw(event);
        told.push(this.#inBrief(event));
        this.#brief = null;
        this.#parts = [];
        break;
      }
    }
    return undefined;
  }

  #inBrief(event: SourceEvent): Told {
    if (event.kind !== 'tick') return { kind: 'event', event, brief: null };
    const { finished, ...tick } = event;
    const brief = this.#brief?.(event.time) ?? (finished === undefined ? null : briefOf(finished, event.time));
    const past = this.#pastRows && finished?.past === true ? { past: finished } : {};
    return { kind: 'event', event: tick, brief, ...past };
  }

  /** A file that was sealed before briefs were written. */
  async #takeRows(payload: Buffer): Promise<void> {
    this.#rows ??= await this.#openRows();
    this.#parts.push(...(await this.#rows.take(payload)));
  }
}

/** What a segment's first block of state says, and the cluster event that follows where a session begins. */
export interface SegmentHead {
  readonly number: number;
  /** Another recorder began here. */
  readonly session: boolean;
  /** When it begins; null where that cannot be read. */
  readonly time: Seconds | null;
}

/** Reads no more than the beginning of a segment. */
export async function segmentHead(directory: string, number: number): Promise<SegmentHead> {
  for (const most of [PREFIX, null]) {
    try {
      const sealed = await readFrom(eventsFile(directory, number), 0, most);
      const bytes = sealed ?? (await readFrom(journalFile(directory, number), 0, most));
      if (bytes === null) break;
      const head = headOf(bytes, sealed !== null, number);
      if (head !== null) return head;
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
    }
  }
  return { number, session: false, time: null };
}

function headOf(bytes: Buffer, sealed: boolean, number: number): SegmentHead | null {
  const tables = new Map<string, number>();
  const decoder = new EventDecoder((table, value) => {
    const key = `${table} ${value}`;
    const index = tables.get(key) ?? tables.size + 1;
    tables.set(key, index);
    return index;
  });
  const { blocks } = readBlocks(bytes, sealed ? 'events' : 'journal', '');
  let session = false;
  try {
    for (const block of blocks) {
      const inner = sealed ? (block.type === BLOCK.packed ? (unpack(block.payload) ?? []) : []) : [block];
      for (const { type, payload } of inner) {
        if (type === BLOCK.strings) decoder.strings(payload);
        let events: readonly SourceEvent[] = [];
        if (type === BLOCK.state) ({ session, events } = decoder.state(payload));
        if (type === BLOCK.event) events = [decoder.event(payload, null)];
        const time = events.reduce<Seconds | null>((found, event) => timeOf(event) ?? found, null);
        if (time !== null) return { number, session, time };
      }
    }
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
  }
  return null;
}

/** In the scheduler's clock; null where an event has no such time. */
function timeOf(event: SourceEvent): Seconds | null {
  return event.kind === 'tick' || event.kind === 'cluster' ? event.time : null;
}

/** The bytes of a file from `offset` on, at most `most`; null where there is no such file. */
async function readFrom(file: string, offset: number, most: number | null = null): Promise<Buffer | null> {
  if (offset === 0 && most === null) return readRegular(file);
  const handle = await openRegular(file);
  if (handle === null) return null;
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(Math.max(0, Math.min(size - offset, most ?? Number.POSITIVE_INFINITY)));
    let read = 0;
    while (read < bytes.length) {
      const { bytesRead } = await handle.read(bytes, read, bytes.length - read, offset + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return bytes.subarray(0, read);
  } finally {
    await handle.close();
  }
}
