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

/** Who asked for what and what came of it: a line of JSON each, appended and never changed, for its owner's eyes only. */
export class AuditLog {
  readonly file: string;

  /** @throws AUDIT_FAILED where it cannot be written */
  constructor(file: string) {
    this.file = path.resolve(file);
    this.#append('');
  }

  /** Written when it returns: what is not written down is not done. @throws AUDIT_FAILED */
  write(entry: AuditEntry): void {
    this.#append(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`);
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
