/**
 * The tuple that a key was printed from, `('x', 1)`: text and whole numbers, in tuples, which is what keys are made of. Undefined for
 * what is no such text; then the key is the text itself.
 */
export function keyFromText(text: string): KeyPart[] | undefined {
  if (!text.startsWith('(') || text.length > 20_000) return undefined;
  const parser = new Parser(text);
  const key = parser.tuple(0);
  return key !== undefined && parser.ended ? key : undefined;
}

type KeyPart = string | number | KeyPart[];

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get ended(): boolean {
    return this.#at === this.#text.length;
  }

  tuple(depth: number): KeyPart[] | undefined {
    if (depth > 8 || !this.#take('(')) return undefined;
    const parts: KeyPart[] = [];
    while (!this.#take(')')) {
      const part = this.#text[this.#at] === '(' ? this.tuple(depth + 1) : (this.#string() ?? this.#number());
      if (part === undefined) return undefined;
      parts.push(part);
      if (!this.#take(', ') && !this.#take(',') && this.#text[this.#at] !== ')') return undefined;
    }
    return parts;
  }

  #take(what: string): boolean {
    if (!this.#text.startsWith(what, this.#at)) return false;
    this.#at += what.length;
    return true;
  }

  /** Quoted, without escapes: a key that holds those is not found by its text. */
  #string(): string | undefined {
    const match = this.#match(/'([^'\\\n]*)'|"([^"\\\n]*)"/y);
    return match === null ? undefined : (match[1] ?? match[2]);
  }

  #number(): number | undefined {
    const match = this.#match(/-?\d{1,15}(?![\d.e])/y);
    return match === null ? undefined : Number(match[0]);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }
}
