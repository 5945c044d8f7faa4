import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FinishedColumns } from '../../model/source-event.ts';
import type { Bytes, Seconds } from '../../model/units.ts';
import { Tables } from '../export/tables.ts';
import { openRegular } from '../regular-file.ts';
import { type Summary, SummaryBuilder } from '../summary.ts';
import { BLOCK, MOST_PAYLOAD, readHead, wholeBlocks } from './blocks.ts';
import { EventDecoder } from './event-decoder.ts';
import { journalFile } from './format.ts';

/** So much is read at once; a block may be longer, then so much more. */
const PIECE = 1024 * 1024;
/** Counting lets others have their turn after so long. */
const TURN_MS = 10;

/** What a journal holds, counted as it grows: each time only what is new in it is read. */
export class JournalCount {
  readonly #directory: string;
  readonly #number: number;
  readonly #tables = new Tables();
  readonly #decoder = new EventDecoder(this.#tables.intern);
  readonly #builder = new SummaryBuilder(this.#tables.textOf);
  readonly #before: Seconds;
  #parts: FinishedColumns[] = [];
  #offset: Bytes = 0;
  #broken = false;

  /** `before`: until when tasks are known from earlier segments. */
  constructor(directory: string, number: number, before: Seconds) {
    this.#directory = directory;
    this.#number = number;
    this.#before = before;
  }

  /** Up to the end of the last whole block. What lies behind damage is not counted. */
  async summary(): Promise<Summary> {
    if (!this.#broken) {
      await this.#readOn().catch(() => {
        this.#broken = true;
      });
    }
    return this.#builder.result(this.#number);
  }

  async #readOn(): Promise<void> {
    const name = journalFile(this.#directory, this.#number);
    const file = await openRegular(name);
    if (file === null) throw new Error('it is gone');
    try {
      const { size } = await file.stat();
      if (size < this.#offset) throw new Error('it became shorter');
      let turn = performance.now();
      for (let length = PIECE; this.#offset < size; ) {
        const bytes = Buffer.allocUnsafe(Math.min(length, size - this.#offset));
        const { bytesRead } = await file.read(bytes, 0, bytes.length, this.#offset);
        const begin = this.#offset === 0 ? readHead(bytes.subarray(0, bytesRead), 'journal', name) : 0;
        const { blocks, end } = wholeBlocks(bytes.subarray(begin, bytesRead));
        for (const { type, payload } of blocks) this.#take(type, payload);
        this.#offset += begin + end;
        if (begin + end === 0) {
          if (bytesRead < length) return;
          if (length > 2 * MOST_PAYLOAD) throw new Error('no whole block');
          length *= 2;
        } else length = PIECE;
        if (performance.now() - turn < TURN_MS) continue;
        await nextTurn();
        turn = performance.now();
      }
    } finally {
      await file.close();
    }
  }

  #take(type: number, payload: Buffer): void {
    if (type === BLOCK.strings) this.#decoder.strings(payload);
    else if (type === BLOCK.state && this.#decoder.state(payload).session) this.#builder.beginSession(this.#before);
    else if (type === BLOCK.finished) this.#parts.push(this.#decoder.finished(payload));
    else if (type === BLOCK.event) {
      this.#builder.add(this.#decoder.event(payload, this.#parts));
      this.#parts = [];
    }
  }
}
