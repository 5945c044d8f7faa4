import { STRING_TABLES, type StringTableName } from '../../model/source-event.ts';

/** String tables of one reading of a recording; index 0 is the empty string. */
export class Tables {
  readonly #values: Record<StringTableName, string[]> = { function: [''], group: [''], worker: [''], type: [''] };
  readonly #indices = new Map(STRING_TABLES.map((table) => [table, new Map([['', 0]])]));

  readonly intern = (table: StringTableName, value: string): number => {
    const indices = this.#indices.get(table)!;
    let index = indices.get(value);
    if (index === undefined) {
      index = this.#values[table].push(value) - 1;
      indices.set(value, index);
    }
    return index;
  };

  readonly textOf = (table: StringTableName, index: number): string => this.#values[table][index] ?? '';
}
