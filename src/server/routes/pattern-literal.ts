/** Escapes that are one character of a kind, or a place: nothing is known of what stands there. */
const KINDS = 'dDwWsSbBAzntrfva';
const CLASS = /\[\^?\]?(?:\[:\^?\w+:\]|\\[^QpPx0-9]|[^\]\\])*\]/y;
const COUNTED = /\{(\d+)(?:,\d*)?\}/y;
const GROUP = /\((?:\?(?::|P?<\w+>))?/y;

/**
 * The longest text of ASCII characters that, as far as can be seen, each text has in it in which a pattern of RE2's syntax is found;
 * empty where none is seen. Whatever is not quite plain ends what is seen, or all of it: to look for this text first must not lose anything.
 */
export function literalOf(pattern: string): string {
  try {
    const reader = new Reader(pattern);
    const found = reader.alternatives();
    return reader.ended ? found : '';
  } catch (error) {
    if (error instanceof Unsure) return '';
    throw error;
  }
}

/** There is something in a pattern of which it is not known here what it means. */
class Unsure extends Error {}

class Reader {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  get ended(): boolean {
    return this.#at === this.#pattern.length;
  }

  /** Up to the end of the group. */
  alternatives(): string {
    let found = this.#sequence();
    while (this.#next('|')) {
      this.#sequence();
      found = '';
    }
    return found;
  }

  #sequence(): string {
    let best = '';
    let run = '';
    const add = (text: string): void => {
      run += text;
      if (run.length > best.length) best = run;
    };
    while (!this.ended && !'|)'.includes(this.#pattern[this.#at]!)) {
      const atom = this.#atom();
      const least = this.#least();
      if (least === 1 && atom.plain) {
        add(atom.text);
        continue;
      }
      // Once at least, but how often is not known; or perhaps not at all.
      if (least > 0) {
        if (atom.plain) add(atom.text);
        else if (atom.text.length > best.length) best = atom.text;
      }
      run = '';
    }
    return best;
  }

  /** What comes next: `plain` where it is this text and nothing else, otherwise it has that in it. */
  #atom(): { readonly text: string; readonly plain: boolean } {
    const char = this.#pattern[this.#at]!;
    if (char === '(') {
      if (this.#match(GROUP) === null) throw new Unsure();
      const text = this.alternatives();
      if (!this.#next(')')) throw new Unsure();
      return { text, plain: false };
    }
    if (char === '[') {
      if (this.#match(CLASS) === null) throw new Unsure();
      return NOTHING;
    }
    if ('*+?{'.includes(char)) throw new Unsure();
    this.#at++;
    if (char === '\\') {
      const escaped = this.#pattern[this.#at++] ?? '';
      if (escaped !== '' && KINDS.includes(escaped)) return NOTHING;
      // One with an argument, a quotation, or none at all.
      if (!/^[!-/:-@[-`{-~]$/.test(escaped)) throw new Unsure();
      return { text: escaped, plain: true };
    }
    if (char === '.' || char === '^' || char === '$') return NOTHING;
    if (char > '\x7f') {
      // Both halves of a character that has two, so that a repetition is of all of it.
      if (char >= '\ud800' && char <= '\udbff') this.#at++;
      return NOTHING;
    }
    return { text: char, plain: true };
  }

  /** How often what came before is there: 1 for once, 2 for once or more often, 0 where that may be never. */
  #least(): 0 | 1 | 2 {
    let least: 0 | 1 | 2 = 1;
    if (this.#next('*') || this.#next('?')) least = 0;
    else if (this.#next('+')) least = 2;
    else {
      const counted = this.#match(COUNTED);
      if (counted === null) return 1;
      least = Number(counted[1]) > 0 ? 2 : 0;
    }
    this.#next('?');
    return least;
  }

  #next(char: string): boolean {
    if (this.#pattern[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #match(what: RegExp): RegExpExecArray | null {
    what.lastIndex = this.#at;
    const found = what.exec(this.#pattern);
    if (found !== null) this.#at = what.lastIndex;
    return found;
  }
}

/** A single character or a place, of which nothing is known. */
const NOTHING = { text: '', plain: false };
