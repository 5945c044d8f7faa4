import { describe, expect, it } from 'vitest';
import { placeTooltip } from './tooltip.ts';
import { visibleRange } from './visible-rows.ts';

describe('a tooltip', () => {
  it.each([
    ['beside the point', [100, 100], { left: 114, top: 114 }],
    ['to the left of it at the right edge', [790, 100], { left: 576, top: 114 }],
    ['above it at the lower edge', [100, 590], { left: 114, top: 476 }],
    ['inside the page in a corner', [5, 599], { left: 19, top: 485 }],
  ] as const)('stands %s', (_where, [x, y], expected) => {
    expect(placeTooltip(x, y, 200, 100, 800, 600)).toEqual(expected);
  });

  it('leaves what it explains free where there is room below or above it', () => {
    expect(placeTooltip(100, 100, 200, 100, 800, 600, 50)).toEqual({ left: 114, top: 164 });
    expect(placeTooltip(100, 450, 200, 100, 800, 600, 50)).toEqual({ left: 114, top: 336 });
  });

  it('stays inside a page that is hardly larger than itself', () => {
    expect(placeTooltip(150, 50, 290, 90, 300, 100)).toEqual({ left: 8, top: 8 });
  });
});

describe('rows in the document', () => {
  it.each([
    ['at the top', 0, { first: 0, last: 22 }],
    ['in the middle', 10_000, { first: 488, last: 522 }],
    ['beyond the end, after rows went away', 10_000_000, { first: 1000, last: 1000 }],
  ])('%s', (_where, top, expected) => {
    expect(visibleRange(top, 200, 20, 1000)).toEqual(expected);
  });
});
