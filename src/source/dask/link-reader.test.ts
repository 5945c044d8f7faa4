import { describe, expect, it } from 'vitest';
import { LinkReader } from './link-reader.ts';

const bytes = (column: Float64Array | Uint32Array | Uint16Array): Uint8Array => new Uint8Array(column.buffer);

/** Records from number `first` on, with how many records before each its dependencies are. */
function message(first: number, back: readonly (readonly number[])[]) {
  return {
    first,
    ready: bytes(Float64Array.from(back, (_, row) => (row === 1 ? -4 : 1000.5))),
    needs: bytes(Uint32Array.from(back, ({ length }) => length)),
    dependencies: bytes(Uint16Array.from(back, ({ length }) => length)),
    back: bytes(Uint32Array.from(back.flat())),
  };
}

const read = (reader: LinkReader, ...[first, back]: Parameters<typeof message>): number[][] => {
  const links = reader.read(message(first, back), back.length, false);
  let at = 0;
  return Array.from(links.dependencies, (count) => {
    at += count;
    return [...links.back.subarray(at - count, at)];
  });
};

describe('what the agent says that tasks waited for', () => {
  it('is taken as it is while no record is missing', () => {
    const reader = new LinkReader();
    const links = reader.read(message(0, [[], [1], [2, 1]]), 3, false);
    expect(links).toEqual({
      ready: Float64Array.of(1000.5, Number.NaN, 1000.5),
      needs: Uint32Array.of(0, 1, 2),
      dependencies: Uint16Array.of(0, 1, 2),
      back: Uint32Array.of(1, 2, 1),
    });
    expect(read(reader, 3, [[3], [4, 1]])).toEqual([[3], [4, 1]]);
  });

  it('is left out where it reaches back behind records that were given up', () => {
    const reader = new LinkReader();
    expect(read(reader, 0, [[], []])).toEqual([[], []]);
    expect(read(reader, 7, [[1, 6], [1], [2, 3]])).toEqual([[], [1], [2]]);
    expect(read(reader, 10, [[3, 4]])).toEqual([[3]]);
  });

  it('is left out where other rows came in between, but not those that do not count', () => {
    const reader = new LinkReader();
    read(reader, 0, [[], []]);
    expect(reader.read({}, 5, true)).toMatchObject({ needs: new Uint32Array(5), back: new Uint32Array() });
    expect(read(reader, 2, [[1]])).toEqual([[1]]);
    reader.read({}, 5, false);
    expect(read(reader, 3, [[1], [1]])).toEqual([[], [1]]);
  });

  it('is refused where its parts do not fit', () => {
    const reader = new LinkReader();
    const good = message(0, [[], [1]]);
    expect(() => reader.read({ ...good, back: new Uint8Array() }, 2, false)).toThrow('dependencies that are not there');
    expect(() => reader.read({ ...good, ready: new Uint8Array(8) }, 2, false)).toThrow('column');
  });
});
