import { MAX_FUNCTIONS } from '../../wire/message.ts';

/** Functions that are shown; null: all. */
export interface ShownFunctions {
  readonly list: readonly number[] | null;
  readonly set: ReadonlySet<number> | null;
}

const ALL: ShownFunctions = { list: null, set: null };

/** Works out which functions are shown, once for each text and each length of the list of names. */
export class FunctionFilter {
  #text = '';
  #names: readonly string[] = [];
  #of: readonly string[] | null = null;
  #count = 0;
  #shown = ALL;

  /** The name must contain `text`, and be one of `names` unless there are none. */
  narrow(text: string, names: readonly string[]): void {
    this.#text = text.trim().toLowerCase();
    this.#names = names;
    this.#of = null;
  }

  /** The same object as long as nothing changed. Names only ever come to the end of a list. */
  shown(names: readonly string[]): ShownFunctions {
    if (this.#text === '' && this.#names.length === 0) this.#shown = ALL;
    else if (names !== this.#of || names.length !== this.#count) {
      const list: number[] = [];
      for (const [fn, name] of names.entries()) if (name !== undefined && this.#shows(name)) list.push(fn);
      if (list.length > MAX_FUNCTIONS) list.length = MAX_FUNCTIONS;
      this.#shown = { list, set: new Set(list) };
    }
    this.#of = names;
    this.#count = names.length;
    return this.#shown;
  }

  #shows(name: string): boolean {
    if (this.#names.length > 0 && !this.#names.includes(name)) return false;
    return name.toLowerCase().includes(this.#text);
  }
}
