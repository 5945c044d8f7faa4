import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChromeTrace, type TraceEvent } from './chrome-trace.ts';
import type { RecordedTask } from './recorded-task.ts';

const ACTIONS = ['compute', 'transfer', 'disk-read', 'disk-write', 'deserialize'] as const;

const slice = fc
  .record({ action: fc.constantFrom(...ACTIONS), at: fc.nat(2_000), length: fc.nat(60) })
  .map(({ action, at, length }) => ({
    action,
    start: 1_700_000_000 + at / 1e3,
    stop: 1_700_000_000 + (at + length) / 1e3,
    ...(action === 'transfer' && { source: 'tcp://10.0.0.9:1' }),
  }));

const task = fc.record({
  key: fc.string(),
  name: fc.string(),
  group: fc.string(),
  worker: fc.constantFrom('tcp://10.0.0.1:1', 'tcp://10.0.0.2:1', '</script>'),
  thread: fc.constantFrom(0, 1, 140_123_456_789_012),
  status: fc.constantFrom('memory' as const, 'erred' as const),
  start: fc.constant(null),
  stop: fc.constant(null),
  nbytes: fc.option(fc.nat(), { nil: null }),
  type: fc.string(),
  startstops: fc.array(slice, { maxLength: 3 }),
  past: fc.boolean(),
  ready: fc.constant(null),
  needs: fc.nat(3),
  dependencies: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 3 }),
});

/** What the format asks of every event, by its phase. */
function expectRules(events: readonly TraceEvent[]): void {
  const threads = new Map<string, string>();
  const complete = new Map<string, { ts: number; end: number }[]>();
  const open = new Map<string, TraceEvent>();
  const arrows = new Map<string, TraceEvent>();
  for (const event of events) {
    expect(typeof event.name).toBe('string');
    expect(Number.isInteger(event.pid) && event.pid > 0 && event.pid < 2 ** 31).toBe(true);
    expect(Number.isInteger(event.tid) && event.tid >= 0 && event.tid < 2 ** 31).toBe(true);
    expect(typeof event.args).toBe('object');
    const row = `${event.pid} ${event.tid}`;
    const id = `${event.cat} ${event.id}`;
    if (event.ph === 'M') {
      expect(event.ts).toBeUndefined();
      if (event.name === 'thread_name' || event.name === 'process_name') {
        expect(threads.has(`${event.name} ${row}`), 'named once').toBe(false);
        threads.set(`${event.name} ${row}`, String(event.args.name));
      } else {
        expect(['thread_sort_index', 'process_sort_index']).toContain(event.name);
        expect(Number.isInteger(event.args.sort_index)).toBe(true);
      }
      continue;
    }
    expect(threads.has(`thread_name ${row}`), 'a thread is named before it is used').toBe(true);
    expect(threads.has(`process_name ${event.pid} 0`)).toBe(true);
    expect(Number.isSafeInteger(event.ts) && event.ts! > 0).toBe(true);
    expect(typeof event.cat).toBe('string');
    switch (event.ph) {
      case 'X':
        expect(Number.isSafeInteger(event.dur) && event.dur! >= 0).toBe(true);
        complete.set(row, [...(complete.get(row) ?? []), { ts: event.ts!, end: event.ts! + event.dur! }]);
        break;
      case 'b':
        expect(open.has(id)).toBe(false);
        open.set(id, event);
        break;
      case 'e': {
        const begun = open.get(id);
        expect(begun).toMatchObject({ name: event.name, pid: event.pid, tid: event.tid });
        expect(event.ts).toBeGreaterThanOrEqual(begun!.ts!);
        open.delete(id);
        break;
      }
      case 's':
        expect(arrows.has(id)).toBe(false);
        arrows.set(id, event);
        break;
      case 'f':
        expect(event.bp).toBe('e');
        expect(event.ts).toBeGreaterThanOrEqual(arrows.get(id)!.ts!);
        break;
    }
  }
  expect(open.size, 'what begins ends').toBe(0);
  for (const slices of complete.values()) {
    slices.sort((a, b) => a.ts - b.ts || a.end - b.end);
    for (let i = 1; i < slices.length; i++) expect(slices[i]!.ts).toBeGreaterThanOrEqual(slices[i - 1]!.end);
  }
  // An arrow's ends lie inside of complete events of their rows.
  for (const event of events) {
    if (event.ph !== 's' && event.ph !== 'f') continue;
    const slices = complete.get(`${event.pid} ${event.tid}`) ?? [];
    expect(slices.some(({ ts, end }) => ts <= event.ts! && event.ts! < end)).toBe(true);
  }
}

test('every event keeps the rules of the format, whatever overlaps and however late it is told', () => {
  fc.assert(
    fc.property(fc.array(task, { maxLength: 60 }), (tasks) => {
      const trace = new ChromeTrace();
      const events = tasks.flatMap((one) => trace.eventsOf(one as RecordedTask));
      expectRules(JSON.parse(JSON.stringify(events)) as TraceEvent[]);
      const computes = tasks.flatMap(({ startstops }) => startstops.filter(({ action }) => action === 'compute'));
      expect(events.filter(({ ph }) => ph === 'X')).toHaveLength(computes.length);
    }),
  );
});

test('an arrow leads from a task to the one that needed it', () => {
  const trace = new ChromeTrace();
  const one = (key: string, start: number, dependencies: number[]): RecordedTask => ({
    key,
    name: key,
    group: '',
    worker: 'tcp://10.0.0.1:1',
    thread: 1,
    status: 'memory',
    start,
    stop: start + 1,
    nbytes: 1,
    type: 'int',
    startstops: [{ action: 'compute', start, stop: start + 1 }],
    past: false,
    ready: null,
    needs: dependencies.length,
    dependencies,
  });
  const tasks = [one('a', 10, []), one('b', 12, []), one('c', 14, [2])];
  const arrows = tasks.flatMap((task) => trace.eventsOf(task)).filter(({ ph }) => ph === 's' || ph === 'f');
  expect(arrows).toMatchObject([
    { ph: 's', ts: 11e6 - 1, tid: 1 },
    { ph: 'f', ts: 14e6, tid: 1, bp: 'e' },
  ]);
});
