import { describe, expect, it } from 'vitest';
import { type FrameHost, FrameLoop } from './frame-loop.ts';

/** Frames that come when told. */
function host() {
  const waiting: ((time: number) => void)[] = [];
  const failures: unknown[] = [];
  const measured: number[] = [];
  let now = 0;
  const made: FrameHost = {
    requestAnimationFrame: (callback) => waiting.push(callback),
    cancelAnimationFrame: () => {
      waiting.length = 0;
    },
    now: () => (now += 1),
    measured: (_start, duration) => measured.push(duration),
    failed: (error) => failures.push(error),
  };
  return {
    made,
    waiting,
    failures,
    measured,
    frame: (time = 0) => {
      for (const callback of waiting.splice(0)) callback(time);
    },
  };
}

describe('the frame loop', () => {
  it('asks for no frame until somebody asks, and for one however many ask', () => {
    const browser = host();
    const loop = new FrameLoop(browser.made);
    const runs: number[] = [];
    const task = loop.add('draw', (time) => runs.push(time));
    expect(browser.waiting).toHaveLength(0);
    task.request();
    task.request();
    expect(browser.waiting).toHaveLength(1);
    browser.frame(16);
    browser.frame(32);
    expect(runs).toEqual([16]);
    expect(loop.frames).toBe(1);
    expect(browser.measured).toHaveLength(1);
  });

  it('says when what was drawn can be seen', async () => {
    const browser = host();
    const loop = new FrameLoop(browser.made);
    const order: string[] = [];
    const painted = loop.painted().then(() => order.push('painted'));
    loop.add('draw', () => order.push('drawn')).request();
    browser.frame(16);
    await Promise.resolve();
    expect(order).toEqual(['drawn']);
    browser.frame(32);
    await painted;
    expect(order).toEqual(['drawn', 'painted']);
    expect(browser.waiting).toHaveLength(0);
  });

  it('runs state before drawing before what is late; what state wakes is drawn in the same frame', () => {
    const browser = host();
    const loop = new FrameLoop(browser.made);
    const order: string[] = [];
    const late = loop.add('late', () => order.push('late'));
    const draw = loop.add('draw', () => order.push('draw'));
    const state = loop.add('state', () => {
      order.push('state');
      draw.request();
    });
    late.request();
    state.request();
    browser.frame();
    expect(order).toEqual(['state', 'draw', 'late']);
    expect(browser.waiting).toHaveLength(0);
  });

  it('goes on with who asks again, once a frame', () => {
    const browser = host();
    const loop = new FrameLoop(browser.made);
    let runs = 0;
    const task = loop.add('draw', () => {
      runs++;
      if (runs < 3) task.request();
    });
    task.request();
    for (let i = 0; i < 5; i++) browser.frame();
    expect(runs).toBe(3);
  });

  it('keeps going when one fails, and says so', () => {
    const browser = host();
    const loop = new FrameLoop(browser.made);
    let drawn = false;
    const bad = loop.add('draw', () => {
      throw new Error('bad');
    });
    const good = loop.add('draw', () => {
      drawn = true;
    });
    bad.request();
    good.request();
    browser.frame();
    expect(drawn).toBe(true);
    expect(browser.failures).toHaveLength(1);
  });

  it('forgets who is disposed', () => {
    const browser = host();
    const loop = new FrameLoop(browser.made);
    let runs = 0;
    const task = loop.add('draw', () => runs++);
    task.request();
    task[Symbol.dispose]();
    task.request();
    browser.frame();
    expect(runs).toBe(0);
  });
});
