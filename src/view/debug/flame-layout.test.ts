import { describe, expect, it } from 'vitest';
import type { DebugNode } from '../../model/debug.ts';
import { boxAt, flameColor, flameLayout, flameRows, stepFrom } from './flame-layout.ts';

const node = (name: string, value: number, ...children: DebugNode[]): DebugNode => ({
  name,
  detail: `${name}.py:1`,
  value,
  children,
});
const tree = node('root', 10, node('b', 2), node('a', 6, node('c', 3, node('a', 1))), node('tiny', 0.001));
/** `depth name left+width`, in percent. */
const drawn = (boxes: ReturnType<typeof flameLayout>) =>
  boxes.map(
    ({ depth, node: { name }, left, width, above }) =>
      `${depth} ${name} ${Math.round(left * 100)}+${Math.round(width * 100)}${above ? ' above' : ''}`,
  );

describe('a flame graph', () => {
  it('has callees under their caller, the widest first, and leaves out what nobody could see', () => {
    expect(drawn(flameLayout(tree, []))).toEqual(['0 root 0+100', '1 a 0+60', '1 b 60+20', '2 c 0+30', '3 a 0+10']);
  });

  it('gives the node that is looked at the whole width', () => {
    const path = flameLayout(tree, [])[3]!.path;
    expect(drawn(flameLayout(tree, path))).toEqual(['0 root 0+100 above', '1 a 0+100 above', '2 c 0+100', '3 a 0+33']);
  });

  it('looks at what is left of a path when the node is gone', () => {
    const gone = flameLayout(node('root', 1, node('b', 1)), flameLayout(tree, [])[3]!.path);
    expect(drawn(gone)).toEqual(['0 root 0+100', '1 b 0+100']);
  });

  it('keeps children inside a caller that claims less than they have', () => {
    expect(drawn(flameLayout(node('root', 1, node('a', 2), node('b', 2)), []))).toEqual([
      '0 root 0+100',
      '1 a 0+50',
      '1 b 50+50',
    ]);
    expect(drawn(flameLayout(node('root', 0, node('a', 0)), []))).toEqual(['0 root 0+100']);
  });

  it('is hit where it is drawn, and walked with the arrow keys', () => {
    const boxes = flameLayout(tree, []);
    const name = (i: number) => boxes[i]?.node.name;
    expect(name(boxAt(boxes, 0.65, 1))).toBe('b');
    expect(boxAt(boxes, 0.95, 1)).toBe(-1);
    expect(stepFrom(boxes, -1, 'down')).toBe(0);
    expect(name(stepFrom(boxes, 0, 'down'))).toBe('a');
    expect(name(stepFrom(boxes, 1, 'right'))).toBe('b');
    expect(name(stepFrom(boxes, 2, 'left'))).toBe('a');
    expect(name(stepFrom(boxes, 2, 'up'))).toBe('root');
    expect(stepFrom(boxes, 2, 'down')).toBe(2);
    expect(stepFrom([], -1, 'down')).toBe(-1);
  });

  it('as a table counts a function that calls itself once', () => {
    const rows = flameRows(tree).map(({ name, total, self }) => [name, total, Number(self.toFixed(3))]);
    expect(rows).toEqual([
      ['a', 6, 4],
      ['c', 3, 2],
      ['b', 2, 2],
      ['root', 10, 1.999],
      ['tiny', 0.001, 0.001],
    ]);
  });

  it('colours a file, not a line', () => {
    const at = (detail: string) => flameColor({ name: 'f', detail, value: 1, children: [] }, 12);
    expect(at('core.py:12')).toBe(at('core.py:99'));
    expect(at('')).toBeGreaterThanOrEqual(0);
    expect(at('x'.repeat(999))).toBeLessThan(12);
  });
});
