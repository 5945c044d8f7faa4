import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contrast, linearOf } from '../../scripts/color-science.mjs';
import { CATEGORY_ERRED, CATEGORY_FUNCTION, CATEGORY_TRANSFER } from '../model/task-state.ts';
import { categoryColor, colorsOf, functionClass } from './colors.ts';

const css = readFileSync(new URL('theme.css', import.meta.url), 'utf8');
const [, lightBlock = '', darkBlock = ''] =
  /^:root \{(.*?)\n\}\n:root\[data-theme="dark"\] \{(.*?)\n\}/ms.exec(css) ?? [];

function token(block: string, name: string): string {
  return new RegExp(`--${name}: (#[0-9a-f]{6});`, 'i').exec(block)?.[1]?.toLowerCase() ?? `no --${name}`;
}

describe.each([
  ['light', lightBlock],
  ['dark', darkBlock],
] as const)('the %s theme', (name, block) => {
  const colors = colorsOf(name);

  it.each([
    ['panel', colors.panel],
    ['bg', colors.background],
    ['ink', colors.ink],
    ['dim', colors.dim],
    ['faint', colors.faint],
    ['line', colors.line],
    ['grid', colors.grid],
    ['accent', colors.accent],
    ['erred', colors.erred],
    ['erred-line', colors.erredLine],
  ])('draws --%s on canvases as the style sheet does', (variable, color) => {
    expect(token(block, variable)).toBe(color);
  });

  it.each(['ink', 'dim', 'faint', 'ok', 'warn', 'bad', 'accent'])(
    '--%s can be read on panel and background',
    (text) => {
      for (const ground of ['panel', 'bg'])
        expect(contrast(linearOf(token(block, text)), linearOf(token(block, ground)))).toBeGreaterThanOrEqual(4.5);
    },
  );

  it.each([
    ['ink', 'accent-soft'],
    ['ink', 'warn-soft'],
    ['ink', 'bad-soft'],
    ['on-accent', 'accent'],
  ])('--%s can be read on --%s', (text, ground) => {
    expect(contrast(linearOf(token(block, text)), linearOf(token(block, ground)))).toBeGreaterThanOrEqual(4.5);
  });
});

it('gives a function the same colour as category and as class', () => {
  const colors = colorsOf('light');
  expect(categoryColor(colors, CATEGORY_FUNCTION + 1)).toBe(colors.functions[0]);
  expect(functionClass(1)).toBe('fn-0');
  expect(categoryColor(colors, CATEGORY_ERRED)).toBe('#000000');
  expect(categoryColor(colors, CATEGORY_TRANSFER)).toBe('#e5484d');
});
