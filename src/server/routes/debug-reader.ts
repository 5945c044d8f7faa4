import { TaskglassError } from '../../base/errors.ts';
import type { DebugAccess, DebugTarget } from '../../source/source.ts';

export interface DebugReaderOptions {
  /** Processes that are asked at once. Default 8. */
  readonly concurrency?: number;
  /** An answer serves everybody who asks within this time. Default 500 ms, half of the pages' rhythm. */
  readonly keepMs?: number;
  /** Monotonic, ms. */
  readonly now?: () => number;
}

/** Questions that wait for their turn; what comes beyond is refused. */
const MAX_WAITING = 256;

interface Entry {
  readonly answer: Promise<string>;
  /** When it came; null while it is on its way. */
  at: number | null;
}

/**
 * Reads debug pages for any number of viewers at the price of one: whoever asks the same thing while it is on its way or
 * just after it came gets the same text. One process is asked one thing at a time, and only so many processes at once.
 */
export class DebugReader {
  readonly #access: DebugAccess;
  readonly #keepMs: number;
  readonly #concurrency: number;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  /** The last question to each process that has one open. */
  readonly #lines = new Map<string, Promise<unknown>>();
  readonly #turns: (() => void)[] = [];
  #asking = 0;
  #waiting = 0;

  constructor(access: DebugAccess, options: DebugReaderOptions = {}) {
    this.#access = access;
    this.#concurrency = options.concurrency ?? 8;
    this.#keepMs = options.keepMs ?? 500;
    this.#now = options.now ?? (() => performance.now());
  }

  /** The JSON text of a process's index (`topic` null) or of one topic. Rejects with what the source says. */
  read(target: DebugTarget, topic: string | null): Promise<string> {
    const process = target.role === 'scheduler' ? '' : target.worker;
    const key = JSON.stringify([target.role, process, topic]);
    const now = this.#now();
    for (const [old, { at }] of this.#entries) {
      if (at !== null && now - at >= this.#keepMs) this.#entries.delete(old);
    }
    const known = this.#entries.get(key);
    if (known !== undefined) return known.answer;
    const entry: Entry = { answer: this.#ask(JSON.stringify([target.role, process]), target, topic), at: null };
    this.#entries.set(key, entry);
    const came = (): void => {
      entry.at = this.#now();
    };
    entry.answer.then(came, came);
    return entry.answer;
  }

  async #ask(line: string, target: DebugTarget, topic: string | null): Promise<string> {
    if (this.#waiting >= MAX_WAITING) {
      throw new TaskglassError('DEBUG_TIMEOUT', 'too many debug pages are being read at once');
    }
    this.#waiting++;
    const before = this.#lines.get(line) ?? Promise.resolve();
    const asked = before.then(
      () => this.#inTurn(target, topic),
      (error: unknown) => {
        // A process that kept one question waiting is not waited for again by those behind it.
        if (error instanceof TaskglassError && error.code === 'DEBUG_TIMEOUT') throw error;
        return this.#inTurn(target, topic);
      },
    );
    this.#lines.set(line, asked);
    try {
      return await asked;
    } finally {
      this.#waiting--;
      if (this.#lines.get(line) === asked) this.#lines.delete(line);
    }
  }

  async #inTurn(target: DebugTarget, topic: string | null): Promise<string> {
    if (this.#asking >= this.#concurrency) await new Promise<void>((turn) => this.#turns.push(turn));
    else this.#asking++;
    try {
      const answer = await (topic === null ? this.#access.index(target) : this.#access.view(target, topic));
      return JSON.stringify(answer);
    } finally {
      // The turn is handed on, so the count stays; without a successor it is given back.
      const next = this.#turns.shift();
      if (next === undefined) this.#asking--;
      else next();
    }
  }
}
