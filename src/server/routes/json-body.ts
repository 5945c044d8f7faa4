import { Readable } from 'node:stream';
import { Rows } from '../../base/rows.ts';

/** Answers longer than this are written piece by piece, as the socket takes them. */
const LONG = 262_144;

/** A value as JSON: a string, or for a long one a stream, so that writing it holds nothing up. Plain data, and lists whose rows are made as they are written. */
export function jsonBody(answer: unknown): string | Readable {
  const pieces = piecesOf(answer);
  let head = '';
  // Not a loop over them: leaving that would end them.
  for (let { done, value } = pieces.next(); done !== true; { done, value } = pieces.next()) {
    head += value;
    if (head.length > LONG) return Readable.from(chunks(head, pieces), { objectMode: false });
  }
  return head;
}

/** Pieces are joined: a chunk a number would cost more than the number. */
function* chunks(head: string, pieces: Generator<string>): Generator<string> {
  let chunk = head;
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < 65_536) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}

/** Lists of objects or rows, and what contains them, in parts; everything else whole. */
function* piecesOf(value: unknown): Generator<string> {
  if (value instanceof Rows || (Array.isArray(value) && typeof value[0] === 'object')) {
    let before = '[';
    for (const item of value as Iterable<unknown>) {
      yield before;
      yield* piecesOf(item);
      before = ',';
    }
    // An empty list has had no bracket yet.
    yield before === '[' ? '[]' : ']';
  } else if (hasLists(value)) {
    let before = '{';
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue;
      yield `${before}${JSON.stringify(key)}:`;
      yield* piecesOf(item);
      before = ',';
    }
    yield '}';
  } else {
    yield JSON.stringify(value);
  }
}

function hasLists(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).some((item) => Array.isArray(item) || item instanceof Rows)
  );
}
