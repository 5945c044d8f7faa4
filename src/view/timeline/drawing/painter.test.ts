import { describe, expect, it } from 'vitest';
import type { SlicesBatch, WindowFilter } from '../../../model/batch.ts';
import { CATEGORY_FUNCTION, UNMATCHED } from '../../../model/task-state.ts';
import { WindowData } from '../../../store/detail/window-data.ts';
import type { Replica } from '../../../store/replica.ts';
import { colorsOf } from '../../colors.ts';
import { layoutOf } from '../../rows/rows.fixture.ts';
import { standardOverlays } from './overlays.ts';
import { type Draw, drawGaps, drawNow, drawRunning, NamePainter, type Stage } from './painter.ts';
import { pixel } from './pixels.ts';
import type { Scene } from './scene.ts';

const EPOCH = 1_790_000_000_000_000;

/** A context that writes down what is drawn. */
function recorder(): { draw: Draw; log: string[] } {
  const log: string[] = [];
  const style = { fill: '' };
  const draw = {
    get fillStyle() {
      return style.fill;
    },
    set fillStyle(value: string | CanvasGradient | CanvasPattern) {
      style.fill = typeof value === 'string' ? value : 'gradient';
    },
    fillRect: (x: number, y: number, w: number, h: number) => log.push(`rect ${style.fill} ${x},${y} ${w}x${h}`),
    fillText: (text: string, x: number, y: number) => log.push(`text ${style.fill} "${text}" ${x},${y}`),
    measureText: (text: string) => ({ width: text.length * 6 }),
    createLinearGradient: (x0: number, _y0: number, x1: number) => {
      log.push(`gradient ${x0}..${x1}`);
      return { addColorStop: (at: number, color: string) => log.push(`stop ${at} ${color}`) };
    },
  };
  return { draw: draw as unknown as Draw, log };
}

const categories = new Uint32Array(16).fill(pixel(200, 200, 200));
categories[CATEGORY_FUNCTION + 1] = pixel(10, 20, 30);
const layout = layoutOf(
  [0, 1].map((slot) => ({ track: slot, worker: 1, address: 'a', name: 'w', host: 'h', slot, alive: true })),
  { height: 41, ratio: 1 },
);
const stage: Stage = {
  scale: { perPixel: 1_000, column: 0, width: 200 },
  layout,
  scroll: 0,
  height: 41,
  ratio: 1,
  epoch: EPOCH,
  categories,
  panel: pixel(255, 255, 255),
  theme: colorsOf('light'),
  font: '11px sans-serif',
};

describe('overlays', () => {
  it('draws what runs from its start to now, fading at the end, and leaves out what the filter hides', () => {
    const { draw, log } = recorder();
    const running = new Map([
      [0, { fn: 1, start: EPOCH + 20_000, key: 'a' }],
      [1, { fn: 2, start: EPOCH, key: 'b' }],
    ]);
    drawRunning(draw, stage, running, 150_000, ({ fn }) => (fn === 1 ? CATEGORY_FUNCTION + fn : null));
    expect(log).toEqual([
      'rect rgb(10, 20, 30) 20,0 86x20',
      'gradient 106..150',
      'stop 0 rgb(10, 20, 30)',
      'stop 1 rgba(10, 20, 30, 0.16)',
      'rect rgb(255, 255, 255) 106,0 44x20',
      'rect gradient 106,0 44x20',
    ]);
  });

  it('fades what runs and does not match: by its key, by how long it has run, and by any status', () => {
    const running = new Map([
      [0, { fn: 1, start: EPOCH - 2e6, key: 'x-1' }],
      [1, { fn: 1, start: EPOCH, key: 'y-2' }],
    ]);
    const solid = (filter: WindowFilter): string[] => {
      const { draw, log } = recorder();
      const replica = { running, names: ['', ''], clock: () => EPOCH / 1e6 + 0.15 } as unknown as Replica;
      const scene = { replica, now: 150_000, functions: null, filter } as unknown as Scene;
      standardOverlays().below[2]!.draw(draw, { ...stage, categories: many }, scene);
      return log
        .filter((line) => line.startsWith('rect rgb') && !line.includes('255'))
        .map((line) => line.slice(5, 20));
    };
    const many = new Uint32Array(UNMATCHED + 16);
    many[CATEGORY_FUNCTION + 1] = pixel(10, 20, 30);
    many[UNMATCHED + CATEGORY_FUNCTION + 1] = pixel(90, 90, 90);
    const [matches, fades] = ['rgb(10, 20, 30)', 'rgb(90, 90, 90)'];
    expect(solid({ text: 'x' })).toEqual([matches, fades]);
    expect(solid({ minDuration: 2.1 })).toEqual([matches, fades]);
    expect(solid({ maxDuration: 2.1 })).toEqual([fades, matches]);
    expect(solid({ status: 'memory' })).toEqual([fades, fades]);
    expect(solid({})).toEqual([matches, matches]);
  });

  it('draws the present on the right edge, and not when it is out of view', () => {
    const { draw, log } = recorder();
    drawNow(draw, stage, 200_000, 'blue');
    drawNow(draw, stage, 900_000, 'blue');
    drawNow(draw, stage, -5_000, 'blue');
    expect(log).toEqual(['rect blue 198,0 2x41']);
  });

  it('marks gaps with their size', () => {
    const { draw, log } = recorder();
    const at = (ms: number) => (EPOCH + ms * 1000) / 1e6;
    drawGaps(draw, stage, [{ since: at(20), until: at(180), size: 1312, reason: 'disconnected' }], 'gray', 'font');
    expect(log.filter((line) => line.startsWith('rect gray')).length).toBeGreaterThan(20);
    expect(log.at(-1)).toBe('text gray "1,312 tasks missed" 100,20.5');
  });

  it('writes names where they fit, cut with an ellipsis, in letters that can be read', () => {
    const data = new WindowData();
    const batch: SlicesBatch = {
      mode: 'slices',
      seq: 1,
      now: 1,
      query: { since: EPOCH, until: null, level: 4, functions: null, maxSlices: 10 },
      reset: true,
      record: Uint32Array.of(1, 2, 3),
      track: Uint32Array.of(0, 0, 0),
      category: Uint32Array.of(CATEGORY_FUNCTION + 1, CATEGORY_FUNCTION + 2, CATEGORY_FUNCTION + 1),
      fn: Uint32Array.of(1, 2, 1),
      start: Float64Array.of(EPOCH, EPOCH + 100_000, EPOCH + 150_000),
      stop: Float64Array.of(EPOCH + 90_000, EPOCH + 145_000, EPOCH + 160_000),
    };
    data.apply(batch);
    const { draw, log } = recorder();
    new NamePainter().draw(draw, stage, data, ['', 'inc', 'rechunk-merge'], 'font');
    expect(log).toEqual(['text rgba(255, 255, 255, 0.94) "inc" 4,10.5', 'text rgba(0, 0, 0, 0.82) "rechu…" 104,10.5']);
  });

  it('writes the names of what runs where it is solid', () => {
    const { draw, log } = recorder();
    const running = new Map([
      [0, { fn: 1, start: EPOCH - 50_000, key: 'a' }],
      [1, { fn: 1, start: EPOCH + 110_000, key: 'b' }],
    ]);
    new NamePainter().drawRunning(
      draw,
      stage,
      running,
      150_000,
      ({ fn }) => CATEGORY_FUNCTION + fn,
      ['', 'inc'],
      'font',
    );
    expect(log).toEqual(['text rgba(255, 255, 255, 0.94) "inc" 4,10.5']);
  });
});
