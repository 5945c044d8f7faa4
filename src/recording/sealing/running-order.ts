import type { RunningTask, SourceEvent } from '../../model/source-event.ts';
import { RecordingError } from '../files/event-decoder.ts';

/**
 * Tasks that were said to run, numbered in the order in which a file says it: so a file can say in a byte or two that one of them has
 * finished, and be read without the keys of its finished tasks.
 */
export class RunningOrder {
  #told = 0;
  readonly #numbers = new Map<string, number>();

  /** An event whose finished tasks were dealt with. */
  saw(event: SourceEvent): void {
    for (const { key } of startedIn(event)) this.#numbers.set(key, this.#told++);
  }

  /** Those of the keys that have a number, which they lose: the least one, then how much greater each is than the one before. */
  end(keys: readonly string[]): number[] {
    const ended: number[] = [];
    for (const key of keys) {
      const number = this.#numbers.get(key);
      if (number === undefined) continue;
      this.#numbers.delete(key);
      ended.push(number);
    }
    ended.sort((a, b) => a - b);
    return ended.map((number, i) => number - (i === 0 ? 0 : ended[i - 1]!));
  }
}

/** The other way round: keys by number. */
export class RunningKeys {
  readonly #keys: string[] = [];

  saw(event: SourceEvent): void {
    for (const { key } of startedIn(event)) this.#keys.push(key);
  }

  /** What {@link RunningOrder.end} was told. @throws RecordingError */
  of(steps: readonly unknown[]): string[] {
    let number = 0;
    return steps.map((step) => {
      number += typeof step === 'number' ? step : Number.NaN;
      const key = this.#keys[number];
      if (key === undefined) throw new RecordingError('a task ended that did not run');
      return key;
    });
  }
}

function startedIn(event: SourceEvent): readonly RunningTask[] {
  return (event.kind === 'tick' ? event.running?.started : undefined) ?? [];
}
