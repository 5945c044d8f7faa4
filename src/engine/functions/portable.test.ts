import { describe, expect, it } from 'vitest';
import type { AnyFunction } from './function-ref.ts';
import { checkPortable } from './portable.ts';

const GLOBALS = new Set(Object.getOwnPropertyNames(globalThis));

/** A function from its text, so that no build tool touches it first. */
function made(text: string): AnyFunction {
  return new Function(`const k = 1; let other; return (${text});`)() as AnyFunction;
}

function refusalOf(fn: AnyFunction): string {
  try {
    checkPortable(fn, GLOBALS);
  } catch (error) {
    expect(error).toMatchObject({ code: 'FUNCTION_NOT_PORTABLE' });
    return (error as { detail: string }).detail;
  }
  return 'accepted';
}

describe('checkPortable', () => {
  it.each([
    '(x) => x + 1',
    'function inc(x) { return x + 1; }',
    'async (x) => { await new Promise((done) => setTimeout(done, x)); return Math.max(x, 1); }',
    'function fact(n) { return n < 2 ? 1 : n * fact(n - 1); }',
    '({ a, b: [c = 2, ...d], ...e }, f = a) => [a, c, d, e, f]',
    'function f() { return arguments.length; }',
    '() => { { var deep = 1; } for (const i of [1]) deep += i; return deep; }',
    '() => { try { throw 1; } catch ({ message: m }) { return m; } }',
    '() => { later(); function later() {} }',
    '() => { class A { #p = 1; get p() { return this.#p; } static make() { return new A(); } } return A.make().p; }',
    '() => ({ k: 1 }).k',
    '(o) => o.k.other',
    '() => { k: for (;;) break k; }',
    '() => typeof notThere === "undefined"',
    'async () => (await import("node:os")).cpus().length',
    '() => { const o = { m() { return this; } }; return o.m(); }',
    '(x) => { switch (x) { case 1: let y = 2; return y; default: return String(x); } }',
    'function f() { return new.target; }',
  ])('accepts %s', (text) => {
    expect(refusalOf(made(text))).toBe('accepted');
  });

  it.each([
    ['() => k', '"k"'],
    ['(x) => { other = x; }', '"other"'],
    ['() => (() => (() => k)())()', '"k"'],
    ['(x = k) => x', '"k"'],
    ['({ [k]: x }) => x', '"k"'],
    ['() => ({ k })', '"k"'],
    ['() => [k, other, require("x")]', '"k", "other" and "require"'],
    ['() => { { let k = 1; } return k; }', '"k"'],
    ['() => { class A extends k {} return A; }', '"k"'],
    [['() => `$', '{k}`'].join(''), '"k"'],
  ])('refuses %s, naming %s', (text, name) => {
    expect(refusalOf(made(text))).toContain(name);
  });

  it('refuses what has no text, or needs what it cannot take along', () => {
    expect(refusalOf(Math.max)).toBe('"max" is native code, which has no source text to send');
    expect(refusalOf(((x: number) => x).bind(null))).toContain('a bound function');
    expect(refusalOf(made('function f() { return this.x; }'))).toContain('"this"');
    expect(refusalOf(made('() => this'))).toContain('"this"');
    expect(refusalOf(made('function* f() { yield 1; }'))).toContain('a generator');
    expect(refusalOf(made('class A {}'))).toContain('a class');
    expect(refusalOf(new Proxy(made('() => 1'), {}))).toContain('native code');
  });

  it('takes a method that needs no this, as an expression', () => {
    const { method } = { method: made('({ inc(x) { return x + 1; } }).inc') };
    const { text, name } = checkPortable(method, GLOBALS);
    expect(name).toBe('inc');
    expect((new Function(`return (${text})`)() as (x: number) => number)(1)).toBe(2);
  });
});
