import fc from 'fast-check';
import { RE2JS } from 're2js';
import { expect, it, test } from 'vitest';
import { literalOf } from './pattern-literal.ts';

test.each([
  ['sum-[0-9a-f]+', 'sum-'],
  ['f.*00.*9$', '00'],
  ['(a+)+$', 'a'],
  ['ab+cd', 'ab'],
  ['abc*', 'ab'],
  ['a(?:bcd)?e', 'a'],
  ['a(?P<name>bcd){2,3}', 'bcd'],
  ['abc|abd', ''],
  ['x(abc|abd)', 'x'],
  ["\\('sum', \\d+\\)", "('sum', "],
  ['(?i)abc', ''],
  ['(?i:abc)', ''],
  ['abc\\x41', ''],
  ['\\Qa*\\E', ''],
  ['ab{0,3}cd', 'cd'],
  ['ab{x', ''],
  ['[]abc]de', 'de'],
  ['[[:alpha:]-]de', 'de'],
  ['größe', 'gr'],
  ['ab\u{1f600}*cd', 'ab'],
  ['', ''],
])('%s is found only with %j', (pattern, expected) => {
  expect(literalOf(pattern)).toBe(expected);
});

const atom = fc.constantFrom(
  ...['a', 'b', 'ab', 'k', 's', 'K', '-', '0', '.', '\\d', '\\w', '\\.', '\\(', '[ab]', '[^a]', '[]b]', '[[:digit:]-]'],
  ...[
    '^',
    '$',
    '\\b',
    '\\x61',
    '\\pL',
    '\\p{Lu}',
    '\\Qb*\\E',
    '{',
    '}',
    '\\n',
    'ſ',
    'é',
    '\u{1f600}',
    '(?i)',
    '(?-i)',
    '\\_',
  ],
);
const quantifier = fc.constantFrom(
  '',
  '',
  '',
  '*',
  '+',
  '?',
  '{0}',
  '{2}',
  '{0,1}',
  '{1,}',
  '{,2}',
  '*?',
  '+?',
  '{2}?',
  '**',
);
const { pattern } = fc.letrec<{ pattern: string; part: string; sequence: string }>((tie) => ({
  pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 2 }).map((parts) => parts.join('|')),
  sequence: fc.array(tie('part'), { maxLength: 4 }).map((parts) => parts.join('')),
  part: fc
    .tuple(
      fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        atom,
        fc
          .tuple(fc.constantFrom('(', '(?:', '(?i:', '(?P<n>', '(?<n>', '(?U)('), tie('pattern'))
          .map(([open, inner]) => `${open}${inner})`),
      ),
      quantifier,
    )
    .map((parts) => parts.join('')),
}));
const letter = fc.constantFrom(...'aaaaaaaaaabbbbbbbbbbABkKsS-0.(*{}_ \u212aſéÉ\u{1f600}\n');
const text = fc.array(letter, { maxLength: 12 }).map((letters) => letters.join(''));

it('never loses a text in which the pattern is found', () => {
  fc.assert(
    fc.property(pattern, fc.boolean(), fc.array(text, { minLength: 20, maxLength: 20 }), (asked, fold, texts) => {
      const compiled = compile(asked, fold);
      if (compiled === null) return;
      const needed = literalOf(asked);
      // With capitals folded a pattern has none, and blocks of keys are ASCII.
      const wanted = fold ? needed.toLowerCase() : needed;
      for (const one of texts) {
        if (fold && /[^\0-\x7f]/.test(one)) continue;
        if (compiled.test(one)) expect(fold ? one.toLowerCase() : one).toContain(wanted);
      }
    }),
    { numRuns: 1_500 },
  );
});

function compile(asked: string, fold: boolean): RE2JS | null {
  try {
    return RE2JS.compile(asked, fold ? RE2JS.CASE_INSENSITIVE : 0);
  } catch {
    return null;
  }
}
