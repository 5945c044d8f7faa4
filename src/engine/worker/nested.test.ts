import { describe, expect, it } from 'vitest';
import { mapNested, someNested } from './nested.ts';

const double = (leaf: unknown) => (typeof leaf === 'number' ? leaf * 2 : leaf);

describe('mapNested', () => {
  it('replaces leaves at any depth and leaves the rest and the original alone', () => {
    const date = new Date(0);
    const value = { a: [1, { b: 2 }], m: new Map([[3, new Set([4])]]), date, bytes: new Uint8Array([5]) };
    const mapped = mapNested(value, double) as typeof value;
    expect(mapped).toEqual({ a: [2, { b: 4 }], m: new Map([[6, new Set([8])]]), date, bytes: new Uint8Array([5]) });
    expect(mapped.date).toBe(date);
    expect(mapped.bytes).toBe(value.bytes);
    expect(value.a[0]).toBe(1);
  });

  it('keeps circles and sharing', () => {
    const shared = [1];
    const value: Record<string, unknown> = { one: shared, two: shared };
    value.self = value;
    const mapped = mapNested(value, double) as Record<string, unknown>;
    expect(mapped.self).toBe(mapped);
    expect(mapped.one).toBe(mapped.two);
    expect(mapped.one).toEqual([2]);
  });

  it('treats __proto__ as a key like any other', () => {
    const value = JSON.parse('{"__proto__": {"polluted": 1}}') as object;
    const mapped = mapNested(value, double) as object;
    expect(Object.getPrototypeOf(mapped)).toBe(Object.prototype);
    expect(Object.keys(mapped)).toEqual(['__proto__']);
  });
});

describe('someNested', () => {
  it('finds a leaf in every kind of container', () => {
    const is1 = (leaf: unknown) => leaf === 1;
    for (const value of [1, [[1]], { a: { b: 1 } }, new Map([[1, 2]]), new Map([[2, 1]]), new Set([1])]) {
      expect(someNested(value, is1)).toBe(true);
    }
    const circle: unknown[] = [];
    circle.push(circle);
    expect(someNested(circle, is1)).toBe(false);
  });
});
