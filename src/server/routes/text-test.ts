import { RE2JS } from 're2js';
import { TaskglassError } from '../../base/errors.ts';
import type { WindowFilter } from '../../model/batch.ts';
import type { TextTest } from '../../store/queries/key-search.ts';
import type { MatchFilter } from '../../store/queries/record-matches.ts';
import { literalOf } from './pattern-literal.ts';

/** Longest pattern, characters: what a pattern costs to try grows with it. */
export const MAX_PATTERN = 256;
/** So many single characters and classes a pattern may come to, with what it repeats written out: making it ready grows with that. */
const MAX_SIZE = 2_000;
/** Of a longer text, a pattern is tried on so many characters. */
const MAX_TRIED = 16_384;

export interface TextQuery {
  readonly text: string;
  /** The text is a regular expression, in RE2's syntax: no back references and no looking around. */
  readonly regex: boolean;
  /** 'smart': capitals matter when the text has any. */
  readonly capitals: 'matter' | 'smart';
}

/** What a query asks of keys: part of one, or a pattern. Throws QUERY_INVALID for no pattern. */
export function keyTest(text: string | undefined, regex: boolean): string | TextTest | undefined {
  return regex && text !== undefined ? textTest({ text, regex, capitals: 'matter' }) : text;
}

/** The filter of a window, with its pattern as a test where it has one. Throws QUERY_INVALID for no pattern. */
export function windowMatch({ regex, text, ...filter }: WindowFilter): MatchFilter {
  return { ...filter, text: keyTest(text, regex === true) };
}

/**
 * What somebody looks for, as a test. Patterns are matched in a time that is linear in the text, whatever they are: with the
 * language's own, `(a+)+$` would hold the event loop up for as long as its author likes. Throws QUERY_INVALID for no pattern.
 */
export function textTest({ text, regex, capitals }: TextQuery): TextTest {
  const fold = capitals === 'smart' && text === text.toLowerCase();
  if (!regex) {
    const test = (other: string): boolean => (fold ? other.toLowerCase() : other).includes(text);
    return Object.assign(test, { literal: { text, fold } });
  }
  if (text.length > MAX_PATTERN)
    throw new TaskglassError('QUERY_INVALID', `a pattern has at most ${MAX_PATTERN} characters`);
  const size = sizeOf(text);
  if (size > MAX_SIZE) {
    throw new TaskglassError('QUERY_INVALID', `written out, that pattern has ${size} parts; at most ${MAX_SIZE}`);
  }
  try {
    const pattern = RE2JS.compile(text, fold ? RE2JS.CASE_INSENSITIVE : 0);
    const test = (other: string): boolean => pattern.test(other.length > MAX_TRIED ? other.slice(0, MAX_TRIED) : other);
    const needed = literalOf(text);
    return Object.assign(test, { asks: `${fold}${text}`, ...(needed !== '' && { needs: { text: needed, fold } }) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TaskglassError('QUERY_INVALID', `that is not a regular expression: ${reason}`);
  }
}

/** About how many single characters and classes a pattern comes to when its counted repetitions are written out. */
function sizeOf(pattern: string): number {
  /** Of each open group, and of the whole: what it comes to but for its last part. */
  const open: number[] = [0];
  let last = 0;
  const next = (size: number): void => {
    open.push(open.pop()! + last);
    last = size;
  };
  const parts = /\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|[()]|./gsu;
  for (const [part, least, most] of pattern.matchAll(parts)) {
    if (least !== undefined) last *= Math.max(1, Number(least), Number(most ?? 0));
    else if (part === '(') {
      next(0);
      open.push(0);
    } else if (part === ')' && open.length > 1) last += open.pop()!;
    else next(1);
  }
  return open.reduce((sum, size) => sum + size, last);
}
