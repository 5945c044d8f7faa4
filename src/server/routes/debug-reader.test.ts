import { describe, expect, test } from 'vitest';
import { TaskglassError } from '../../base/errors.ts';
import type { DebugView } from '../../model/debug.ts';
import type { DebugAccess, DebugTarget } from '../../source/source.ts';
import { DebugReader } from './debug-reader.ts';

const SCHEDULER: DebugTarget = { role: 'scheduler' };
const worker = (name: string): DebugTarget => ({ role: 'worker', worker: name });

/** Answers when the test says so. */
class SlowAccess implements DebugAccess {
  readonly open: { readonly name: string; answer(): void; fail(error: Error): void }[] = [];
  asked = 0;

  index(): Promise<never> {
    throw new Error('not asked here');
  }

  view(target: DebugTarget, topic: string): Promise<DebugView> {
    const n = ++this.asked;
    const name = `${target.role === 'worker' ? target.worker : 'scheduler'}/${topic}`;
    return new Promise((resolve, reject) => {
      const end = () => this.open.splice(this.open.indexOf(item), 1);
      const item = {
        name,
        answer: () => {
          end();
          resolve({ topic, n } as unknown as DebugView);
        },
        fail: (error: Error) => {
          end();
          reject(error);
        },
      };
      this.open.push(item);
    });
  }

  get names(): string[] {
    return this.open.map(({ name }) => name);
  }
}

/** Lets everything that is ready happen. */
const settle = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('reading debug pages', () => {
  test('twenty viewers cost what one costs, until the answer is old', async () => {
    const access = new SlowAccess();
    let now = 0;
    const reader = new DebugReader(access, { keepMs: 500, now: () => now });
    const read = () => reader.read(SCHEDULER, 'logs');
    const first = Promise.all(Array.from({ length: 20 }, read));
    await settle();
    expect(access.names).toEqual(['scheduler/logs']);
    access.open[0]!.answer();
    expect(new Set(await first)).toEqual(new Set(['{"topic":"logs","n":1}']));
    now = 499;
    expect(await read()).toBe('{"topic":"logs","n":1}');
    now = 500;
    const next = read();
    await settle();
    access.open[0]!.answer();
    expect(await next).toBe('{"topic":"logs","n":2}');
  });

  test('a process is asked one thing at a time, and only so many processes at once', async () => {
    const access = new SlowAccess();
    const reader = new DebugReader(access, { concurrency: 2 });
    const all = ['a', 'b', 'c'].flatMap((name) => ['tasks', 'logs'].map((topic) => reader.read(worker(name), topic)));
    const order: string[] = [];
    for (let i = 0; i < all.length; i++) {
      await settle();
      expect(access.names.length).toBe(i === all.length - 1 ? 1 : 2);
      const names = access.names.map((name) => name.split('/')[0]);
      expect(new Set(names).size, 'of different processes').toBe(names.length);
      order.push(access.open[0]!.name);
      access.open[0]!.answer();
    }
    await Promise.all(all);
    expect(order.sort()).toEqual(['a/logs', 'a/tasks', 'b/logs', 'b/tasks', 'c/logs', 'c/tasks']);
  });

  test('a process that is stopped fails what waits for it at once, and others go on', async () => {
    const access = new SlowAccess();
    const reader = new DebugReader(access, { concurrency: 2 });
    const stopped = Promise.allSettled(['tasks', 'logs', 'spill'].map((topic) => reader.read(worker('a'), topic)));
    const other = reader.read(worker('b'), 'tasks');
    await settle();
    access.open.find(({ name }) => name === 'b/tasks')!.answer();
    expect(await other).toContain('tasks');
    access.open[0]!.fail(new TaskglassError('DEBUG_TIMEOUT', 'nothing within 5 s'));
    expect((await stopped).map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(access.asked).toBe(2);
    const again = reader.read(worker('a'), 'transfers');
    await settle();
    access.open[0]!.answer();
    expect(await again).toContain('transfers');
  });

  test('a topic that is not there does not spoil the next', async () => {
    const access = new SlowAccess();
    const reader = new DebugReader(access);
    const missing = expect(reader.read(SCHEDULER, 'nothing')).rejects.toThrow('no such topic');
    const next = reader.read(SCHEDULER, 'logs');
    await settle();
    access.open[0]!.fail(new TaskglassError('NOT_FOUND', 'no such topic'));
    await missing;
    await settle();
    access.open[0]!.answer();
    expect(await next).toContain('logs');
  });
});
