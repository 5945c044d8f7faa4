import { performance } from 'node:perf_hooks';
import { TaskglassError } from '../../base/errors.ts';
import type { DebugFact, DebugIndex, DebugTable, DebugUnit, DebugValue, DebugView } from '../../model/debug.ts';
import type { DebugPages } from '../../serving/debug-server.ts';
import { epochNow } from '../clock.ts';

/** One subject of a process's debug pages. */
export interface Topic {
  readonly topic: string;
  readonly title: string;
  /** Reads what there is now. Quick: it runs on the event loop that it tells of. */
  read(): TopicParts | Promise<TopicParts>;
}

export type TopicParts = Partial<Pick<DebugView, 'facts' | 'tables' | 'series' | 'trees' | 'notes'>>;

/** All topics of one process. */
export class TopicSet implements DebugPages {
  readonly #process: () => Omit<DebugIndex, 'topics'>;
  readonly #topics: ReadonlyMap<string, Topic>;

  constructor(process: () => Omit<DebugIndex, 'topics'>, topics: readonly Topic[]) {
    this.#process = process;
    this.#topics = new Map(topics.map((topic) => [topic.topic, topic]));
  }

  index(): DebugIndex {
    const topics = [...this.#topics.values()].map(({ topic, title }) => ({ topic, title }));
    return { ...this.#process(), topics };
  }

  async view(name: string): Promise<DebugView> {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new TaskglassError('NOT_FOUND', 'this process has no topic of that name');
    const before = performance.now();
    const reading = topic.read();
    // What is awaited is waited for, not worked on.
    const cost = (performance.now() - before) / 1000;
    const { facts = [], tables = [], series = [], trees = [], notes = [] } = await reading;
    return { topic: name, title: topic.title, time: epochNow(), cost, facts, tables, series, trees, notes };
  }
}

/** A number that nobody knows is null. */
export function known(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

export function fact(name: string, unit: DebugUnit, value: DebugValue | undefined): DebugFact {
  return { name, unit, value: typeof value === 'number' ? known(value) : (value ?? null) };
}

/** @param columns pairs of a name and a unit; @param total of rows there are; default: all are here */
export function table(
  title: string,
  columns: readonly (readonly [name: string, unit: DebugUnit])[],
  rows: readonly (readonly (DebugValue | undefined)[])[],
  total = rows.length,
): DebugTable {
  return {
    title,
    columns: columns.map(([name, unit]) => ({ name, unit })),
    rows: rows.map((row) => row.map((value) => (typeof value === 'number' ? known(value) : (value ?? null)))),
    total,
  };
}
