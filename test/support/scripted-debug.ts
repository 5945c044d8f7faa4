import { TaskglassError } from '../../src/base/errors.ts';
import type { DebugIndex, DebugNode, DebugTable, DebugView } from '../../src/model/debug.ts';
import type { DebugAccess, DebugTarget } from '../../src/source/source.ts';

/** Whoever submits tasks chooses what debug pages show. */
export const MARKUP = '<img src=x onerror="globalThis.owned=1"><script>globalThis.owned=1</script>';

type Parts = Partial<Omit<DebugView, 'topic' | 'title' | 'time'>>;

const started = Date.now() / 1000;

function node(name: string, value: number, children: readonly DebugNode[] = []): DebugNode {
  return {
    name,
    detail: name === 'root' ? '' : `/usr/lib/python3/site-packages/distributed/${name}.py:10`,
    value,
    children,
  };
}

/** A tree of some hundred calls, deep on one side. */
function profile(reading: number): DebugNode {
  let deep = node('leaf', 0.4);
  for (let i = 30; i > 0; i--) deep = node(`frame_${i}`, 0.4 + (30 - i) * 0.02, [deep]);
  const wide = Array.from({ length: 40 }, (_, i) => node(`handler_${i}`, 0.1, [node(`call_${i}`, 0.05)]));
  const children = [deep, node('handle_stream', 4.5, wide), node(MARKUP, 1 + reading / 100)];
  return node(
    'root',
    children.reduce((sum, { value }) => sum + value, 0),
    children,
  );
}

function keysTable(): DebugTable {
  return {
    title: 'Keys in memory',
    columns: [
      { name: 'key', unit: 'key' },
      { name: 'size', unit: 'bytes' },
      { name: 'type', unit: 'text' },
      { name: 'since', unit: 'time' },
      { name: 'spilled', unit: 'text' },
    ],
    rows: Array.from({ length: 500 }, (_, i) => [
      `('random_sample-${(i * 7919) % 99_991}', ${i}, 0)`,
      (i * 104_729) % 50_000_000,
      i % 3 === 0 ? null : 'numpy.ndarray',
      started - i,
      i % 50 === 0,
    ]),
    total: 123_456,
  };
}

const TOPICS: Readonly<Record<string, { readonly title: string; read(now: number, reading: number): Parts }>> = {
  'event-loop': {
    title: 'Event loop',
    read: (now, reading) => ({
      cost: 0.004,
      facts: [
        { name: 'lag', unit: 'seconds', value: 0.0021 },
        { name: 'ticks', unit: 'count', value: 120_000 + reading },
        { name: 'tick, longest', unit: 'seconds', value: 0.184 },
        { name: 'transitions', unit: 'rate', value: 1_234.5 },
        { name: 'CPU', unit: 'percent', value: 71.2 },
        { name: 'occupied', unit: 'share', value: 0.42 },
        { name: 'memory', unit: 'bytes', value: 1_234_567_890 },
        { name: 'network', unit: 'bytes/s', value: 98_765 },
        { name: 'started', unit: 'time', value: now - 400_000 },
        { name: 'debugged', unit: 'text', value: true },
        { name: 'reading', unit: 'count', value: reading },
        { name: 'directory', unit: 'text', value: '/scratch/dask-scratch-space/scheduler-0123456789abcdef' },
      ],
      series: [
        {
          title: 'Lag of the event loop',
          unit: 'seconds',
          times: Array.from({ length: 120 }, (_, i) => now - 120 + i),
          lines: [
            { name: 'mean', values: Array.from({ length: 120 }, (_, i) => 0.01 + 0.008 * Math.sin((now + i) / 9)) },
            {
              name: 'longest',
              values: Array.from({ length: 120 }, (_, i) => (i % 17 === 0 ? null : 0.03 + (i % 11) / 500)),
            },
          ],
        },
        {
          title: 'CPU',
          unit: 'percent',
          times: Array.from({ length: 60 }, (_, i) => now - 60 + i),
          lines: [{ name: 'CPU', values: Array.from({ length: 60 }, (_, i) => 40 + 30 * Math.sin((now + i) / 5)) }],
        },
      ],
    }),
  },
  stored: { title: 'Stored keys', read: () => ({ cost: 0.01, tables: [keysTable()] }) },
  profile: {
    title: 'Profile',
    read: (_now, reading) => ({
      cost: 0.002,
      trees: [{ title: 'All threads', unit: 'seconds', root: profile(reading) }],
      notes: ['Sampled every 10 ms over the last ten seconds.'],
    }),
  },
  hostile: {
    title: `Hostile ${MARKUP}`,
    read: () => ({
      facts: [{ name: MARKUP, unit: 'text', value: MARKUP }],
      notes: [MARKUP, '\u202etxet desrever', 'x'.repeat(3_000)],
      tables: [
        {
          title: MARKUP,
          columns: [
            { name: MARKUP, unit: 'text' },
            { name: '__proto__', unit: 'key' },
          ],
          rows: [
            [MARKUP, '\u200b'],
            ['Traceback (most recent call last):\n  File "x.py", line 1\nValueError: x', 'y'],
          ],
          total: 2,
        },
      ],
      series: [{ title: MARKUP, unit: 'count', times: [1, 2], lines: [{ name: MARKUP, values: [-1, 1e300] }] }],
    }),
  },
  nulls: {
    title: 'Unknown',
    read: () => ({
      facts: [{ name: 'nobody knows', unit: 'bytes', value: null }],
      tables: [
        { title: 'No rows', columns: [{ name: 'key', unit: 'key' }], rows: [], total: 0 },
        {
          title: 'All unknown',
          columns: [
            { name: 'a', unit: 'count' },
            { name: 'b', unit: 'text' },
          ],
          rows: [[null, null]],
          total: 1,
        },
      ],
      series: [
        { title: 'No times', unit: 'count', times: [], lines: [] },
        {
          title: 'No values',
          unit: 'bytes',
          times: [started, started + 1],
          lines: [{ name: 'x', values: [null, null] }],
        },
      ],
      trees: [{ title: 'No samples', unit: 'seconds', root: node('root', 0) }],
    }),
  },
  empty: { title: 'Empty', read: () => ({}) },
  failing: {
    title: 'Failing',
    read: () => {
      throw new TaskglassError('PROTOCOL_ERROR', 'a debug page that is malformed: tables');
    },
  },
};

/** Debug pages of every kind, for a scheduler and its workers; a test breaks them as it likes. */
export class ScriptedDebug implements DebugAccess {
  /** Thrown in place of every answer. */
  down: TaskglassError | null = null;
  /** Answers come only once this has ended. */
  hang: Promise<void> | null = null;
  pid = 4_242;
  /** Questions so far, by topic. */
  readonly asked = new Map<string, number>();

  async index(target: DebugTarget): Promise<DebugIndex> {
    await this.#ready();
    return {
      role: target.role,
      name: target.role === 'worker' ? 'worker-0' : 'tcp://10.0.0.1:8786',
      address: target.role === 'worker' ? target.worker : 'tcp://10.0.0.1:8786',
      engine: 'dask',
      version: '2026.8.0',
      pid: this.pid,
      topics: Object.entries(TOPICS).map(([topic, { title }]) => ({ topic, title })),
    };
  }

  async view(_target: DebugTarget, topic: string): Promise<DebugView> {
    const reading = (this.asked.get(topic) ?? 0) + 1;
    this.asked.set(topic, reading);
    await this.#ready();
    const found = TOPICS[topic];
    if (found === undefined) throw new TaskglassError('NOT_FOUND', 'no such topic');
    const time = Date.now() / 1000;
    const nothing = { cost: 0.001, facts: [], tables: [], series: [], trees: [], notes: [] };
    return { topic, title: found.title, time, ...nothing, ...found.read(time, reading) };
  }

  async #ready(): Promise<void> {
    await this.hang;
    if (this.down !== null) throw this.down;
  }
}
