import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { EVENTS, JOURNAL, numberOf } from '../../recording/format.ts';
import { type SegmentHead, segmentHead } from '../../recording/tape.ts';

/** A recording from one of its segments on. */
export interface ChainPart {
  readonly directory: string;
  readonly first: number;
}

export interface ChainSegment extends SegmentHead {
  readonly directory: string;
  readonly time: number;
}

/** Heads that are read at the same time. */
const AT_ONCE = 4;

/** The segments of one history, in order: of one recording, or of those of each scheduler that was watched. */
export class Chain {
  readonly #parts: () => readonly ChainPart[];
  readonly #heads = new Map<string, SegmentHead>();
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

  async #read(): Promise<readonly ChainSegment[]> {
    const found: ChainSegment[] = [];
    for (const { directory, first } of this.#parts()) {
      const numbers = (await numbersOf(directory)).filter((number) => number >= first);
      for (let at = 0; at < numbers.length; at += AT_ONCE) {
        const heads = await Promise.all(numbers.slice(at, at + AT_ONCE).map((number) => this.#head(directory, number)));
        for (const head of heads) if (head.time !== null) found.push({ ...head, time: head.time, directory });
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
