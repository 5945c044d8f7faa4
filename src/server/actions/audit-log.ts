import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { TaskglassError } from '../../base/errors.ts';
import type { Who } from '../../serving/gate.ts';

/** One line of the log: somebody asked for something, or what came of it. */
export interface AuditEntry {
  readonly action: string;
  readonly target: string;
  /** Which cluster, as it calls itself. */
  readonly cluster: string;
  /** Null: refused before anybody knew who it is; then the address alone is known. */
  readonly who: Who | null;
  readonly address: string;
  readonly outcome: 'asked' | 'done' | 'failed' | 'refused';
  /** What was said; an error's code first. */
  readonly detail: string;
}

/** Lines a minute for those whom nobody knows: they may ask as often as they like, and must not fill the disk with it. */
const STRANGERS_A_MINUTE = 30;

/** Who asked for what and what came of it: a line of JSON each, appended and never changed, for its owner's eyes only. */
export class AuditLog {
  readonly file: string;
  #minute = 0;
  #strangers = 0;
  #leftOut = 0;

  /** @throws AUDIT_FAILED where it cannot be written */
  constructor(file: string) {
    this.file = path.resolve(file);
    this.#append('');
  }

  /**
   * Written when it returns: what is not written down is not done. Of strangers, who are refused anyway, some a minute; the next
   * line after those says how many were left out. @throws AUDIT_FAILED
   */
  write(entry: AuditEntry): void {
    const now = new Date();
    const minute = Math.floor(now.getTime() / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#strangers = 0;
    }
    if (entry.who === null && ++this.#strangers > STRANGERS_A_MINUTE) {
      this.#leftOut++;
      return;
    }
    const time = now.toISOString();
    const more = this.#leftOut;
    this.#leftOut = 0;
    const left = more > 0 && {
      ...entry,
      who: null,
      action: '',
      target: '',
      cluster: '',
      address: '',
      outcome: 'refused',
    };
    const lines = [left && { time, ...left, detail: `${more} more of strangers were left out` }, { time, ...entry }];
    this.#append(lines.map((line) => (line ? `${JSON.stringify(line)}\n` : '')).join(''));
  }

  #append(text: string): void {
    try {
      mkdirSync(path.dirname(this.file), { recursive: true });
      appendFileSync(this.file, text, { mode: 0o600, flush: true });
    } catch (error) {
      throw new TaskglassError('AUDIT_FAILED', `${this.file} (${(error as NodeJS.ErrnoException).code})`, {
        cause: error,
      });
    }
  }
}
