import type { RecordIndex } from '../../model/units.ts';
import type { KeyBlock } from '../columns/key-column.ts';
import type { Store } from '../store.ts';

/** A part of a text; `fold`: of the text with its capitals made small, as this one's are. */
interface Literal {
  readonly text: string;
  readonly fold: boolean;
}

/** Says whether a text is what is looked for. */
export interface TextTest {
  (text: string): boolean;
  /** All that it asks: whether a text has this one in it. */
  readonly literal?: Literal;
  /** Each text of ASCII characters that it says yes to has this one in it. */
  readonly needs?: Literal;
  /** Tests that say the same here ask the same; without it nobody can tell. */
  readonly asks?: string;
}

/** How much a query has done since it last let others have their turn; one record that is looked at is 1. */
export interface Effort {
  spent: number;
}

/** How much is done in one step. */
export const STEP = 5_000;
/** So many characters of a key cost as much as a record. */
const CHARACTERS = 64;

/** A test that says what it costs: keys may be long. */
export function weighed(test: TextTest, effort: Effort): TextTest {
  return (text) => {
    effort.spent += text.length / CHARACTERS;
    return test(text);
  };
}

/** Keys that are looked at together. */
export const BLOCK = 1_024;
/** Where less were asked for of a block, they are looked at one by one in the next one. */
const WORTH = 128;
/** A block that is searched at once costs as much as so many records. */
const BLOCK_EFFORT = 256;

/** A test of records' keys. */
export interface KeyTest {
  (record: RecordIndex): boolean;
  /** Whether it is known that it says no to all of a block, which a record is in: that number times {@link BLOCK} and so many more. */
  none(record: RecordIndex): boolean;
}

/**
 * A test of records' keys. Those that are asked for in order, either way, are read a block at a time; a text that is looked for as it
 * is, or without which nothing is found, is looked for in all of a block at once.
 */
export function keyTest({ records }: Store, test: TextTest, effort: Effort): KeyTest {
  const asked = weighed(test, effort);
  const wanted = test.literal ?? test.needs;
  const exact = test.literal !== undefined;
  let number = -1;
  /** What comes from here on came after the block was read. */
  let end = 0;
  let asks = WORTH;
  let block: KeyBlock | null = null;
  let hits: Uint8Array | null = null;
  const enter = (own: number): void => {
    number = own;
    const first = own * BLOCK;
    end = Math.min(records.length, first + BLOCK);
    block = asks < WORTH ? null : records.keys.block(first, end);
    hits = null;
    asks = 0;
    if (block === null || wanted === undefined) return;
    effort.spent += BLOCK_EFFORT;
    hits = hitsIn(block, wanted);
    if (hits === null) block = NONE;
  };
  const ask = (record: RecordIndex): boolean => {
    const own = Math.floor(record / BLOCK);
    if (own !== number) enter(own);
    asks++;
    if (block === null || record >= end) return asked(records.keys.at(record));
    if (block === NONE) return false;
    const at = record - number * BLOCK;
    if (hits !== null && (exact || hits[at] === 0)) return hits[at] === 1;
    return asked(block.text.slice(at === 0 ? 0 : block.ends[at - 1]! + 1, block.ends[at]));
  };
  const none = (record: RecordIndex): boolean => {
    const own = Math.floor(record / BLOCK);
    if (own !== number) enter(own);
    if (block !== NONE) return false;
    asks = BLOCK;
    return true;
  };
  return Object.assign(ask, { none });
}

/** A block in which nothing was found. */
const NONE: KeyBlock = { text: '', ends: new Uint32Array(BLOCK) };

/** Which keys of a block have a text in them; null: none. */
function hitsIn({ text, ends }: KeyBlock, literal: Literal): Uint8Array | null {
  const all = literal.fold ? text.toLowerCase() : text;
  const wanted = literal.text;
  let found = all.indexOf(wanted);
  if (found < 0) return null;
  const hits = new Uint8Array(ends.length);
  for (let key = 0; found >= 0; found = all.indexOf(wanted, found)) {
    while (ends[key]! < found) key++;
    if (found + wanted.length <= ends[key]!) {
      hits[key] = 1;
      found = ends[key]! + 1;
      key++;
      if (key >= ends.length) break;
    } else found++;
  }
  return hits;
}
