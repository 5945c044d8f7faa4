import type { Profiler } from 'node:inspector';
import type { Session } from 'node:inspector/promises';
import type { DebugNode } from '../../model/debug.ts';
import { fact, type Topic, type TopicParts } from './topic.ts';
import { WhileLooked } from './while-looked.ts';

const INTERVAL_US = 5_000;
/** So many functions are told apart; what comes later counts for its caller. */
const MOST_NODES = 5_000;
/** What took less than this share of all is not sent. */
const LEAST_SHARE = 0.001;

interface Node {
  readonly name: string;
  readonly detail: string;
  value: number;
  readonly children: Map<string, Node>;
}

/**
 * What the main thread of this process does, by V8's own sampling profiler. It runs only while someone looks, and adds up
 * what it saw since.
 */
export class ProfileTopic implements Topic {
  readonly topic = 'profile';
  readonly title = 'Profile';
  readonly #note: string;
  readonly #looked = new WhileLooked(() => this.#begin());
  #session: Promise<Session> | null = null;
  /** Readings come one after another: each stops the profiler and starts it again. */
  #turn: Promise<unknown> = Promise.resolve();
  #root = node('main thread', '');
  #nodes = 0;

  /** @param note what a reader must know of this process */
  constructor(note: string) {
    this.#note = note;
  }

  read(): Promise<TopicParts> {
    const reading = this.#turn.then(() => this.#read());
    this.#turn = reading.catch(() => {});
    return reading;
  }

  async #read(): Promise<TopicParts> {
    const first = this.#session === null;
    this.#looked.look();
    const session = await this.#session;
    if (!first && session !== null) {
      const { profile } = await session.post('Profiler.stop');
      await session.post('Profiler.start');
      this.#add(profile);
    }
    const idle = this.#root.children.get('(idle)\n')?.value ?? 0;
    return {
      facts: [
        fact('watched for', 'seconds', this.#root.value),
        fact('busy', 'share', this.#root.value === 0 ? Number.NaN : 1 - idle / this.#root.value),
        fact('a sample each', 'seconds', INTERVAL_US / 1e6),
      ],
      trees: [{ title: 'Time by function', unit: 'seconds', root: shown(this.#root, this.#root.value * LEAST_SHARE) }],
      notes: [
        this.#note,
        'The profiler runs while someone looks at this topic, and costs some percent of a core meanwhile.',
        ...(first ? ['It has just begun.'] : []),
      ],
    };
  }

  #begin(): () => void {
    this.#root = node('main thread', '');
    this.#nodes = 0;
    const session = startProfiler();
    this.#session = session;
    // What did not start is told to the one who looks; the next look tries again.
    session.catch(() => {
      this.#session = null;
    });
    return () => {
      this.#session = null;
      session.then((started) => started.disconnect()).catch(() => {});
    };
  }

  #add(profile: Profiler.Profile): void {
    const parents = new Map<number, number>();
    const byId = new Map(profile.nodes.map((each) => [each.id, each]));
    for (const { id, children } of profile.nodes) for (const child of children ?? []) parents.set(child, id);
    const ours = new Map<number, Node[]>();
    const pathOf = (id: number): Node[] => {
      const done = ours.get(id);
      if (done !== undefined) return done;
      const parent = parents.get(id);
      const path = parent === undefined ? [this.#root] : this.#extend(pathOf(parent), byId.get(id)!.callFrame);
      ours.set(id, path);
      return path;
    };
    const { samples = [], timeDeltas = [] } = profile;
    samples.forEach((id, i) => {
      // A delta is negative where the clock of the samples went back.
      const seconds = Math.max(timeDeltas[i] ?? 0, 0) / 1e6;
      for (const each of pathOf(id)) each.value += seconds;
    });
  }

  #extend(path: Node[], frame: Profiler.ProfileNode['callFrame']): Node[] {
    const above = path.at(-1)!;
    const name = frame.functionName === '' ? '(anonymous)' : frame.functionName;
    const detail = frame.url === '' ? '' : `${place(frame.url)}:${frame.lineNumber + 1}`;
    let child = above.children.get(`${name}\n${detail}`);
    if (child === undefined) {
      if (this.#nodes >= MOST_NODES) return path;
      this.#nodes++;
      child = node(name, detail);
      above.children.set(`${name}\n${detail}`, child);
    }
    return [...path, child];
  }
}

async function startProfiler(): Promise<Session> {
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  await session.post('Profiler.start');
  return session;
}

function node(name: string, detail: string): Node {
  return { name, detail, value: 0, children: new Map() };
}

function shown({ name, detail, value, children }: Node, least: number): DebugNode {
  const below = [...children.values()].filter((child) => child.value >= least && child.value > 0);
  below.sort((a, b) => b.value - a.value);
  return { name, detail, value, children: below.map((child) => shown(child, least)) };
}

/** The end of a file's address: enough to tell it from others. */
function place(url: string): string {
  return url
    .replace(/^file:\/\//, '')
    .split('/')
    .slice(-3)
    .join('/');
}
