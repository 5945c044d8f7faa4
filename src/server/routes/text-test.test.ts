import { expect, test } from 'vitest';
import { textTest } from './text-test.ts';

const plain = { regex: false, capitals: 'smart' } as const;
const pattern = { regex: true, capitals: 'smart' } as const;

test('capitals matter when there are any', () => {
  expect(textTest({ ...plain, text: 'inc' })('INC-1')).toBe(true);
  expect(textTest({ ...plain, text: 'Inc' })('INC-1')).toBe(false);
  expect(textTest({ ...pattern, text: '^inc-\\d$' })('INC-1')).toBe(true);
  expect(textTest({ ...pattern, text: '^Inc-' })('INC-1')).toBe(false);
  expect(textTest({ text: 'inc', regex: false, capitals: 'matter' })('INC-1')).toBe(false);
});

test('a text that is not a pattern is taken as it is', () => {
  expect(textTest({ ...plain, text: 'a.c(' })('abc(')).toBe(false);
  expect(textTest({ ...plain, text: 'a.c(' })('xa.c(y')).toBe(true);
});

test.each(['(a+)+$', '(a|a)*b', '(a*)*c', '(.*a){20}b', '([a-z]+)*\\d'])('%s takes no time that matters', (text) => {
  const long = `${'a'.repeat(50_000)}!`;
  const asked = textTest({ ...pattern, text });
  const began = performance.now();
  for (let i = 0; i < 5; i++) asked(long);
  // With backtracking none of them would end.
  expect(performance.now() - began).toBeLessThan(10_000);
});

test.each([
  '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  '(a{1,9}b){20}',
  '^(inc|add)-.{1000}$',
  '[({a}]{3}\\{9999\\}',
])('%s is not too much', (text) => {
  expect(() => textTest({ ...pattern, text })).not.toThrow();
});

test.each(['a{1,1000}'.repeat(28), '(abc){500}(def){500}', `(${'ab'.repeat(50)}){21}`, '((ab){30}(cd){4}){30}'])(
  '%s would take long to make ready, and is refused',
  (text) => {
    expect(() => textTest({ ...pattern, text })).toThrow(/written out/);
  },
);

test.each([['('], ['a{1001}'], ['((a{100}){100}){100}'], ['(?=a)'], ['(a)\\1'], ['a'.repeat(257)]])(
  '%s is refused and says why',
  (text) => {
    expect(() => textTest({ ...pattern, text })).toThrow(expect.objectContaining({ code: 'QUERY_INVALID' }));
  },
);
