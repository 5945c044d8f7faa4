import { describe, expect, it } from 'vitest';
import { type GestureTarget, wheel, wheelPixels } from './moving/gestures.ts';
import { commandOf, movementOf } from './moving/keys.ts';
import { Motion } from './moving/motion.ts';

const key = (name: string, over: Partial<KeyboardEvent> = {}) => ({
  key: name,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...over,
});

describe('keys', () => {
  it('moves with letters anywhere and with arrows on the plot alone', () => {
    expect(commandOf(key('W'), false)).toEqual({ kind: 'move', movement: 'in' });
    expect(commandOf(key('ArrowLeft'), false)).toBeNull();
    expect(commandOf(key('ArrowLeft'), true)).toEqual({ kind: 'move', movement: 'left' });
    expect(commandOf(key('ArrowDown', { shiftKey: true }), true)).toEqual({ kind: 'row', direction: 1 });
    expect(movementOf('D')).toBe('right');
  });

  it('leaves the browser its own shortcuts, and others their Enter and Escape', () => {
    for (const modifier of ['ctrlKey', 'metaKey', 'altKey'] as const) {
      expect(commandOf(key('f', { [modifier]: true }), true)).toBeNull();
    }
    expect(commandOf(key('Enter'), false)).toBeNull();
    expect(commandOf(key('Escape'), true)).toEqual({ kind: 'close' });
  });

  it('finds runs, slices and errors in both directions', () => {
    expect(['[', ']', 'n', 'p', 'e'].map((name) => commandOf(key(name), false))).toEqual([
      { kind: 'run', direction: -1 },
      { kind: 'run', direction: 1 },
      { kind: 'slice', direction: 1 },
      { kind: 'slice', direction: -1 },
      { kind: 'erred', direction: 1 },
    ]);
    expect(commandOf(key('E', { shiftKey: true }), false)).toEqual({ kind: 'erred', direction: -1 });
  });
});

describe('wheel', () => {
  const turn = (event: Partial<WheelEvent>): string[] => {
    const log: string[] = [];
    const note =
      (name: string) =>
      (...values: unknown[]) =>
        void log.push(`${name} ${values.map((v) => (typeof v === 'number' ? v.toFixed(2) : v)).join(' ')}`);
    const target = {
      pan: note('pan'),
      scroll: note('scroll'),
      zoom: note('zoom'),
      point: note('point'),
      pick: note('pick'),
      follow: note('follow'),
    } as unknown as GestureTarget;
    wheel({ deltaX: 0, deltaY: 0, deltaMode: 0, preventDefault: () => {}, ...event } as WheelEvent, 40, target);
    return log;
  };

  it('zooms at the pointer, pans sideways or with Shift, scrolls rows with Alt', () => {
    expect(turn({ deltaY: 100 })).toEqual(['zoom 40.00 1.17']);
    expect(turn({ deltaY: -10, ctrlKey: true })).toEqual(['zoom 40.00 0.90']);
    expect(turn({ deltaX: 30, deltaY: 4 })).toEqual(['pan 30.00']);
    expect(turn({ deltaY: 50, shiftKey: true })).toEqual(['pan 50.00']);
    expect(turn({ deltaY: 50, altKey: true })).toEqual(['scroll 50.00']);
  });

  it('takes lines and pages for pixels', () => {
    expect(wheelPixels({ deltaX: 0, deltaY: 3, deltaMode: 1 })).toEqual({ x: 0, y: 48 });
    expect(wheelPixels({ deltaX: 1, deltaY: 0, deltaMode: 2 })).toEqual({ x: 400, y: 0 });
  });
});

describe('Motion', () => {
  const view = { since: 0, until: 1_000 };

  it('moves evenly while a key is held, however long frames take, and a tap moves a little', () => {
    const run = (frame: number): number => {
      const motion = new Motion();
      motion.press('right', 0);
      let at = view;
      for (let time = 0; time < 480; time += frame) at = motion.step(at, time, 500);
      return at.since;
    };
    expect(run(16)).toBeCloseTo(run(8), -2);
    const tap = new Motion();
    tap.press('in', 0);
    tap.release('in');
    let at = view;
    for (let time = 0; tap.moving; time += 16) at = tap.step(at, time, 500);
    expect(at.until - at.since).toBeLessThan(950);
    expect(at.until - at.since).toBeGreaterThan(700);
    expect((at.until + at.since) / 2).toBeCloseTo(500);
  });

  it('jumps to exactly where it should, at once without easing', () => {
    const to = { since: 5_000, until: 6_000 };
    const eased = new Motion();
    eased.jump(view, to, 0, true);
    expect(eased.step(view, 30, 0).since).toBeLessThan(5_000);
    expect(eased.step(view, 130, 0)).toEqual(to);
    expect(eased.moving).toBe(false);
    const still = new Motion();
    still.jump(view, to, 0, false);
    expect(still.step(view, 0, 0)).toEqual(to);
  });
});
