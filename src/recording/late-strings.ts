import type { FinishedColumns, SourceSink, StringTableName } from '../model/source-event.ts';

/** Columns of each table. */
const COLUMNS = {
  function: ['fn'],
  group: ['group'],
  worker: ['worker', 'origin'],
  type: ['type'],
} as const satisfies Record<StringTableName, readonly (keyof FinishedColumns)[]>;

/**
 * Strings of rows that are read before it is their turn: a sink hears of them when their rows are told. Otherwise a function of a
 * later row would come before one that is named between the two, and have its colour.
 */
export class LateStrings {
  readonly #intern: SourceSink['intern'];
  readonly #texts: Record<StringTableName, string[]> = { function: [''], group: [''], worker: [''], type: [''] };
  /** The sink's indices by ours; -1 for what it has not heard of. */
  readonly #told: Record<StringTableName, number[]> = { function: [0], group: [0], worker: [0], type: [0] };

  constructor(intern: SourceSink['intern']) {
    this.#intern = intern;
  }

  /** An index of ours, which the same text may have several of. */
  readonly keep = (table: StringTableName, value: string): number => {
    if (value === '') return 0;
    this.#told[table].push(-1);
    return this.#texts[table].push(value) - 1;
  };

  /** Puts the sink's indices in the place of ours. */
  tell(columns: FinishedColumns): void {
    for (const table of ['function', 'group', 'worker', 'type'] as const) {
      const told = this.#told[table];
      for (const name of COLUMNS[table]) {
        const column = columns[name];
        for (let row = 0; row < column.length; row++) {
          const index = column[row]!;
          if (told[index] === -1) told[index] = this.#intern(table, this.#texts[table][index]!);
          column[row] = told[index]!;
        }
      }
    }
  }
}
