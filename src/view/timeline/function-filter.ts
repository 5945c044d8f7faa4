import type { WindowFilter } from '../../model/batch.ts';
import { MAX_FUNCTIONS } from '../../wire/message.ts';

/** Functions that are shown; null: all. Of what is shown, all fades that does not match the filter. */
export interface ShownTasks {
  readonly list: readonly number[] | null;
  readonly set: ReadonlySet<number> | null;
  readonly filter: WindowFilter | null;
}

/** Works out what is shown, once for each filter and each length of the list of names. */
export class TaskFilters {
  #text = '';
  #names: readonly string[] = [];
  #of: readonly string[] | null = null;
  #count = 0;
  #filter: WindowFilter | null = null;
  #shown: ShownTasks | null = null;

  /** The name must contain `text`, and be one of `names` unless there are none; what `filter` does not match fades. */
  narrow(text: string, names: readonly string[], filter: WindowFilter | null): void {
    this.#text = text.trim().toLowerCase();
    this.#names = names;
    this.#filter = filter;
    this.#shown = null;
  }

  /** The same object as long as nothing changed. Names only ever come to the end of a list. */
  shown(names: readonly string[]): ShownTasks {
    const filter = this.#filter;
    const all = this.#text === '' && this.#names.length === 0;
    if (this.#shown !== null && (all || (names === this.#of && names.length === this.#count))) return this.#shown;
    this.#shown = { list: null, set: null, filter };
    if (!all) {
      const list: number[] = [];
      for (const [fn, name] of names.entries()) if (name !== undefined && this.#shows(name)) list.push(fn);
      if (list.length > MAX_FUNCTIONS) list.length = MAX_FUNCTIONS;
      this.#shown = { list, set: new Set(list), filter };
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
