import { type Accessor, createMemo, createSignal, type Signal } from 'solid-js';
import type { DebugIndex } from '../../model/debug.ts';
import type { DebugPath } from './debug-path.ts';
import { Feed, type FeedLine, type TopicState } from './feed.ts';

const NOTHING: TopicState = { view: null, failure: null, cost: 0 };

/** Solid's side of the feed: a signal a topic. */
export interface DebugState {
  readonly path: DebugPath;
  readonly index: Accessor<DebugIndex | null>;
  readonly line: Accessor<FeedLine>;
  readonly paused: Accessor<boolean>;
  /** Names of topics, in the order in which they are shown. */
  readonly topics: Accessor<readonly string[]>;
  /** CPU seconds a second that this page takes the process. */
  readonly cost: Accessor<number>;
  /** Time of the newest answer, the process's clock, seconds; 0 before there is one. */
  readonly heard: Accessor<number>;
  title(topic: string): string;
  topic(topic: string): TopicState;
  isSeen(topic: string): boolean;
  see(topic: string, visible: boolean): void;
  pause(paused: boolean): void;
  retry(): void;
}

export function createDebugState(path: DebugPath): DebugState {
  const [index, setIndex] = createSignal<DebugIndex | null>(null);
  const [line, setLine] = createSignal<FeedLine>({ state: 'reading', failure: null });
  const [paused, setPaused] = createSignal(false);
  const [seen, setSeen] = createSignal<ReadonlySet<string>>(new Set());
  const signals = new Map<string, Signal<TopicState>>();
  const signalOf = (topic: string): Signal<TopicState> => {
    let signal = signals.get(topic);
    if (signal === undefined) {
      signal = createSignal(NOTHING);
      signals.set(topic, signal);
    }
    return signal;
  };
  const feed = new Feed(
    {
      fetch: (address, signal) =>
        fetch(new URL(path.base + address, location.href), { signal, headers: { accept: 'application/json' } }),
      now: () => performance.now(),
      after: (ms, run) => {
        const timer = setTimeout(run, ms);
        return { cancel: () => clearTimeout(timer) };
      },
    },
    { index: setIndex, line: setLine, topic: (topic, state) => signalOf(topic)[1](state) },
  );
  feed.hidden = document.hidden;
  document.addEventListener('visibilitychange', () => {
    feed.hidden = document.hidden;
  });
  addEventListener('online', () => feed.retryNow());
  const topics = createMemo(() => index()?.topics.map(({ topic }) => topic) ?? []);
  const states = () => topics().map((topic) => signalOf(topic)[0]());
  return {
    path,
    index,
    line,
    paused,
    topics,
    cost: createMemo(() => states().reduce((sum, { cost }) => sum + cost, 0)),
    heard: createMemo(() => states().reduce((newest, { view }) => Math.max(newest, view?.time ?? 0), 0)),
    title: (topic) => index()?.topics.find((known) => known.topic === topic)?.title ?? topic,
    topic: (topic) => signalOf(topic)[0](),
    isSeen: (topic) => seen().has(topic),
    see(topic, visible) {
      setSeen((before) => {
        const next = new Set(before);
        if (visible) next.add(topic);
        else next.delete(topic);
        return next;
      });
      feed.see(topic, visible);
    },
    pause(next) {
      setPaused(next);
      feed.paused = next;
    },
    retry: () => feed.retryNow(),
  };
}
