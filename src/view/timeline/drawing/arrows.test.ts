import { describe, expect, it } from 'vitest';
import type { LinkedTask, RecordDetails } from '../../../model/batch.ts';
import { colorsOf } from '../../colors.ts';
import { layoutOf } from '../../rows/rows.fixture.ts';
import { planArrows } from './arrows.ts';
import type { Stage } from './painter.ts';
import { pixel } from './pixels.ts';

const EPOCH = 1_790_000_000;
const layout = layoutOf(
  [0, 1, 2].map((slot) => ({ track: slot, worker: 1, address: 'a', name: 'w', host: 'h', slot, alive: true })),
  { height: 62, ratio: 1 },
);
/** 200 ms, a pixel each, from the epoch on. */
const stage: Stage = {
  scale: { perPixel: 1_000, column: 0, width: 200 },
  layout,
  scroll: 0,
  height: 62,
  ratio: 1,
  epoch: EPOCH * 1e6,
  categories: new Uint32Array(),
  panel: pixel(255, 255, 255),
  theme: colorsOf('light'),
  font: '',
};
/** Of a row, at the centre of a pixel. */
const middle = (track: number): number => Math.floor(layout.rows[track]!.y + layout.rows[track]!.height / 2) + 0.5;

const at = (ms: number): number => EPOCH + ms / 1000;
const task = (track: number, start: number, stop: number): LinkedTask => ({
  record: 1,
  key: 'k',
  name: 'f',
  track,
  start: at(start),
  stop: at(stop),
});

function details(
  ready: number | null,
  start: number,
  stop: number,
  dependencies: readonly LinkedTask[],
  dependents: readonly LinkedTask[] = [],
  total = dependencies.length,
): RecordDetails {
  return {
    ...{ record: 7, key: 'k', name: 'f', group: 'f', worker: 'a', worker_name: 'w', slot: 1, status: 'memory' },
    ...{ ready: ready === null ? null : at(ready), start: at(start), stop: at(stop), nbytes: 0, type: '', past: false },
    startstops: [],
    dependencies: { total, tasks: dependencies },
    dependents: { total: dependents.length, complete: true, tasks: dependents },
  };
}

describe('the arrows of a task', () => {
  it('come from where its dependencies ended, lead to where its dependents began, and its wait lies between', () => {
    const plan = planArrows(details(60, 100, 120, [task(0, 10, 40)], [task(2, 150, 160)]), stage, 1)!;
    expect(plan.arrows.map(({ x0, y0, x1, y1 }) => [Math.round(x0), y0, Math.round(x1), y1])).toEqual([
      [40, middle(0), 60, middle(1)],
      [120, middle(1), 150, middle(2)],
    ]);
    expect(plan.wait).toMatchObject({ x0: 60, x1: 100 });
    expect(plan.wait!.y).toBeGreaterThanOrEqual(layout.rows[1]!.y);
    expect(plan.wait!.y + plan.wait!.height).toBeLessThanOrEqual(layout.rows[1]!.y + layout.rows[1]!.height);
    expect(plan.notes).toEqual([]);
  });

  it('leave the plot where the other end is outside, and are not drawn where both are', () => {
    const far = planArrows(details(60, 100, 120, [task(0, -1e9, -1e8)], [task(2, 1e8, 1e9)]), stage, 1)!;
    expect(far.arrows).toHaveLength(2);
    expect(far.arrows[0]!.x0).toBeGreaterThan(-1_000);
    expect(far.arrows[1]!.x1).toBeLessThan(1_200);
    // It ran before and its dependents after what is shown.
    expect(planArrows(details(-90, -80, -70, [], [task(2, 300, 400)]), stage, 1)!.arrows).toEqual([]);
    expect(planArrows(details(60, 100, 120, [task(99, 10, 40)]), stage, 1)!.arrows).toEqual([]);
    expect(planArrows(details(60, 100, 120, []), stage, 99)).toBeNull();
  });

  it('are the nearest ones where there are many, and a note counts the others', () => {
    const many = Array.from({ length: 60 }, (_, i) => task(i % 3, 0, i / 2));
    const plan = planArrows(details(50, 100, 120, many, many.slice(0, 3), 1_000), stage, 1)!;
    expect(plan.arrows).toHaveLength(43);
    expect(Math.min(...plan.arrows.slice(0, 40).map(({ x0 }) => x0))).toBeCloseTo(10);
    expect(plan.notes).toMatchObject([{ text: 'and 960 more', align: 'right' }]);
  });

  it('go to its start where nobody knows since when it was ready', () => {
    const plan = planArrows(details(null, 100, 120, [task(0, 10, 40)]), stage, 1)!;
    expect(plan.wait).toBeNull();
    expect(plan.arrows[0]!.x1).toBeCloseTo(100);
  });
});
