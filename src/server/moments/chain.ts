import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { SourceSink } from '../../model/source-event.ts';
import { EVENTS, JOURNAL, numberOf } from '../../recording/files/format.ts';
import { type SegmentHead, segmentHead, Tape, type Told } from '../../recording/files/tape.ts';

/** A recording from one of its segments on. */
export interface ChainPart {
  readonly directory: string;
  readonly first: number;
}

export interface ChainSegment extends SegmentHead {
  readonly directory: string;
  readonly time: number;
  /** Another recorder of the same cluster goes on here. */
  readonly joins: boolean;
}

/** Heads that are read at the same time. */
const AT_ONCE = 4;

/** Segments that were read last and are kept, for who looks at other times of them. */
const KEPT = 2;

/** A segment as far as it was read, for any number of readers. */
export class Reel {
  readonly #tape: Tape;
  readonly #pieces: (readonly Told[])[] = [];
  #reading: Promise<readonly Told[] | null> | null = null;

  constructor(tape: Tape) {
    this.#tape = tape;
  }

  /** Piece `index`, of which all before it were asked for; null when there is no more for now. */
  async piece(index: number): Promise<readonly Told[] | null> {
    while (index >= this.#pieces.length) {
      this.#reading ??= this.#tape.next().finally(() => {
        this.#reading = null;
      });
      const reading = this.#reading;
      const { length } = this.#pieces;
      const piece = await reading;
      if (piece === null) return null;
      // Whoever waited first has put it there.
      if (this.#pieces.length === length) this.#pieces.push(piece);
    }
    return this.#pieces[index]!;
  }
}

/** The segments of one history, in order: of one recording, or of those of each scheduler that was watched. */
export class Chain {
  readonly #parts: () => readonly ChainPart[];
  readonly #heads = new Map<string, SegmentHead>();
  readonly #reels = new Map<string, Reel>();
  #reading: Promise<readonly ChainSegment[]> | null = null;

  constructor(parts: () => readonly ChainPart[]) {
    this.#parts = parts;
  }

  /** As they are now. What cannot be read is left out. */
  segments(): Promise<readonly ChainSegment[]> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** What a segment says; `intern` gives the indices of its events. */
  reel({ directory, number, joins }: ChainSegment, intern: SourceSink['intern']): Reel {
    const key = `${number} ${directory}`;
    const reel = this.#reels.get(key) ?? new Reel(new Tape(directory, number, intern, joins));
    this.#reels.delete(key);
    this.#reels.set(key, reel);
    if (this.#reels.size > KEPT) this.#reels.delete(this.#reels.keys().next().value!);
    return reel;
  }

  /** Nobody looks at it any more. */
  rest(): void {
    this.#reels.clear();
  }

  async #read(): Promise<readonly ChainSegment[]> {
    const found: ChainSegment[] = [];
    for (const { directory, first } of this.#parts()) {
      const numbers = (await numbersOf(directory)).filter((number) => number >= first);
      for (let at = 0; at < numbers.length; at += AT_ONCE) {
        const heads = await Promise.all(numbers.slice(at, at + AT_ONCE).map((number) => this.#head(directory, number)));
        for (const head of heads) {
          if (head.time === null) continue;
          const joins = head.session && found.at(-1)?.directory === directory;
          found.push({ ...head, time: head.time, directory, joins });
        }
      }
    }
    return found;
  }

  async #head(directory: string, number: number): Promise<SegmentHead> {
    const key = `${number} ${directory}`;
    const known = this.#heads.get(key);
    if (known !== undefined) return known;
    const head = await segmentHead(directory, number);
    // One that was just begun may not say it yet.
    if (head.time !== null) this.#heads.set(key, head);
    return head;
  }
}

async function numbersOf(directory: string): Promise<number[]> {
  const numbers = new Set<number>();
  for (const folder of [EVENTS, JOURNAL]) {
    for (const name of await readdir(path.join(directory, folder)).catch(() => [])) {
      const number = numberOf(name);
      if (number !== null) numbers.add(number);
    }
  }
  return [...numbers].sort((a, b) => a - b);
}
