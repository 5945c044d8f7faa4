import { MAX_FUNCTIONS } from '../../wire/message.ts';

/** Functions whose name contains a text; null while the text is empty. */
export interface ShownFunctions {
  readonly list: readonly number[] | null;
  readonly set: ReadonlySet<number> | null;
}

const ALL: ShownFunctions = { list: null, set: null };

/** Works out which functions are shown, once for each text and each length of the list of names. */
export class FunctionFilter {
  #text = '';
  #of: readonly string[] | null = null;
  #count = 0;
  #shown = ALL;

  set text(text: string) {
    this.#text = text.trim().toLowerCase();
    this.#of = null;
  }

  /** The same object as long as nothing changed. Names only ever come to the end of a list. */
  shown(names: readonly string[]): ShownFunctions {
    if (this.#text === '') this.#shown = ALL;
    else if (names !== this.#of || names.length !== this.#count) {
      const list: number[] = [];
      for (const [fn, name] of names.entries()) if (name?.toLowerCase().includes(this.#text)) list.push(fn);
      if (list.length > MAX_FUNCTIONS) list.length = MAX_FUNCTIONS;
      this.#shown = { list, set: new Set(list) };
    }
    this.#of = names;
    this.#count = names.length;
    return this.#shown;
  }
}
