import type { DebugIndex, DebugView } from '../../model/debug.ts';
import { checkDebugIndex, checkDebugView } from '../../model/debug-check.ts';

/** What went wrong, for people. */
export interface Failure {
  /** Of our table of errors, or empty. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly advice: string;
}

/** The line to the process: `late` = it has been asked and does not answer; `lost` = it cannot be asked. */
export interface FeedLine {
  readonly state: 'reading' | 'live' | 'late' | 'lost';
  /** Why it is lost. */
  readonly failure: Failure | null;
}

export interface TopicState {
  /** The last answer; null until there is one. */
  readonly view: DebugView | null;
  /** Why there is no newer one. */
  readonly failure: Failure | null;
  /** CPU seconds a second that reading this takes the process, at the present rhythm; 0 while nobody reads. */
  readonly cost: number;
}

export interface FeedEvents {
  index(index: DebugIndex): void;
  line(line: FeedLine): void;
  topic(topic: string, state: TopicState): void;
}

/** What a feed needs of a browser; a test hands in its own. Times in ms. */
export interface FeedHost {
  /** Rejects when nobody answers. */
  fetch(path: string, signal: AbortSignal): Promise<Response>;
  now(): number;
  after(ms: number, run: () => void): { cancel(): void };
}

const INTERVAL = 1_000;
const LATE_AFTER = 1_500;
const GIVE_UP_AFTER = 10_000;
const FIRST_RETRY = 500;
const LAST_RETRY = 5_000;
const LAST_TOPIC_RETRY = 30_000;
/** Readings over which a cost is averaged. */
const READINGS = 10;

/** An answer that says something of the whole process or of the way to it, not of one topic alone. */
const OF_THE_PROCESS = new Set([
  '',
  'DEBUG_TIMEOUT',
  'DEBUG_UNAVAILABLE',
  'NO_CLUSTER',
  'CONNECTION_REFUSED',
  'CONNECT_TIMEOUT',
  'LINK_CLOSED',
  'HOST_NOT_FOUND',
  'HOST_UNREACHABLE',
  'NOT_A_SCHEDULER',
  'TOKEN_REQUIRED',
  'RATE_LIMITED',
  'HOST_REFUSED',
]);

interface Topic {
  visible: boolean;
  asking: boolean;
  timer: { cancel(): void } | null;
  /** When it was asked last. */
  asked: number;
  failures: number;
  readings: { readonly at: number; readonly cost: number }[];
  view: DebugView | null;
  failure: Failure | null;
}

/** Fails with a {@link Failure}; everything else that is thrown is a fault of ours. */
class FeedError extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.title);
    this.failure = failure;
  }
}

/**
 * Reads a process's debug pages: what is seen, once a second, one question a topic at a time, and nothing at all while
 * paused or hidden. When the process is lost it is asked for its index alone, ever more seldom, until it is back.
 */
export class Feed {
  readonly #host: FeedHost;
  readonly #events: FeedEvents;
  readonly #topics = new Map<string, Topic>();
  #index: DebugIndex | null = null;
  #line: FeedLine = { state: 'reading', failure: null };
  #paused = false;
  #hidden = false;
  #retries = 0;
  #probe: { cancel(): void } | null = null;
  #probing = false;

  constructor(host: FeedHost, events: FeedEvents) {
    this.#host = host;
    this.#events = events;
  }

  start(): void {
    void this.#readIndex();
  }

  /** Whether a topic is on screen. */
  see(topic: string, visible: boolean): void {
    const known = this.#topic(topic);
    if (known.visible === visible) return;
    known.visible = visible;
    if (visible) known.readings = [];
    this.#schedule(topic, known);
    this.#tell(topic, known);
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    this.#resume();
  }

  /** Whether the browser shows the page at all. */
  set hidden(hidden: boolean) {
    this.#hidden = hidden;
    this.#resume();
  }

  /** Asks at once for what is due later: somebody presses a button, or the network is back. */
  retryNow(): void {
    this.#retries = 0;
    for (const topic of this.#topics.values()) topic.failures = 0;
    this.#resume();
  }

  get #resting(): boolean {
    return this.#paused || this.#hidden;
  }

  #resume(): void {
    for (const [name, topic] of this.#topics) {
      topic.readings = [];
      this.#schedule(name, topic);
      this.#tell(name, topic);
    }
    this.#probe?.cancel();
    this.#probe = null;
    if (!this.#resting && (this.#index === null || this.#line.state === 'lost')) void this.#readIndex();
  }

  #topic(name: string): Topic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = {
        visible: false,
        asking: false,
        timer: null,
        asked: Number.NEGATIVE_INFINITY,
        failures: 0,
        readings: [],
        view: null,
        failure: null,
      };
      this.#topics.set(name, topic);
    }
    return topic;
  }

  #schedule(name: string, topic: Topic): void {
    topic.timer?.cancel();
    topic.timer = null;
    if (!this.#isRead(topic) || topic.asking) return;
    const wait = topic.failures === 0 ? INTERVAL : Math.min(INTERVAL * 2 ** topic.failures, LAST_TOPIC_RETRY);
    const due = Math.max(0, topic.asked + wait - this.#host.now());
    topic.timer = this.#host.after(due, () => void this.#read(name, topic));
  }

  #isRead(topic: Topic): boolean {
    return topic.visible && !this.#resting && this.#line.state !== 'lost' && this.#index !== null;
  }

  async #read(name: string, topic: Topic): Promise<void> {
    topic.timer = null;
    topic.asking = true;
    topic.asked = this.#host.now();
    try {
      topic.view = checkedAs(checkDebugView, await this.#ask(`api/v1/debug/${encodeURIComponent(name)}`));
      topic.failure = null;
      topic.failures = 0;
      topic.readings = [...topic.readings, { at: topic.asked, cost: topic.view.cost }].slice(-READINGS);
      this.#setLine('live', null);
    } catch (error) {
      if (!(error instanceof FeedError)) throw error;
      topic.failures++;
      if (OF_THE_PROCESS.has(error.failure.code)) this.#lose(error.failure);
      else {
        topic.failure = error.failure;
        // The topic alone, or has the process gone with it?
        void this.#readIndex();
      }
    } finally {
      topic.asking = false;
      this.#schedule(name, topic);
      this.#tell(name, topic);
    }
  }

  async #readIndex(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    try {
      const index = checkedAs(checkDebugIndex, await this.#ask('api/v1/debug'));
      this.#retries = 0;
      if (JSON.stringify(index) !== JSON.stringify(this.#index)) {
        this.#index = index;
        this.#events.index(index);
      }
      const back = this.#line.state === 'lost';
      this.#setLine('live', null);
      for (const [name, topic] of this.#topics) {
        if (back) topic.failures = 0;
        if (!topic.asking) this.#schedule(name, topic);
      }
    } catch (error) {
      if (!(error instanceof FeedError)) throw error;
      this.#lose(error.failure);
    } finally {
      this.#probing = false;
    }
  }

  #lose(failure: Failure): void {
    this.#setLine('lost', failure);
    for (const [name, topic] of this.#topics) {
      topic.timer?.cancel();
      topic.timer = null;
      topic.readings = [];
      this.#tell(name, topic);
    }
    this.#probe?.cancel();
    if (this.#resting) return;
    const wait = Math.min(FIRST_RETRY * 2 ** this.#retries++, LAST_RETRY);
    this.#probe = this.#host.after(wait, () => void this.#readIndex());
  }

  async #ask(path: string): Promise<unknown> {
    const abort = new AbortController();
    const late = this.#host.after(LATE_AFTER, () => {
      if (this.#line.state === 'live' || this.#index === null) this.#setLine('late', null);
    });
    const tooLate = this.#host.after(GIVE_UP_AFTER, () => abort.abort());
    try {
      let response: Response;
      let text: string;
      try {
        response = await this.#host.fetch(path, abort.signal);
        text = await response.text();
      } catch {
        throw new FeedError(abort.signal.aborted ? SILENT : UNREACHABLE);
      }
      if (!response.ok) throw new FeedError(failureOf(response.status, text));
      try {
        return JSON.parse(text);
      } catch {
        throw new FeedError(NOT_OURS);
      }
    } finally {
      late.cancel();
      tooLate.cancel();
    }
  }

  #setLine(state: FeedLine['state'], failure: Failure | null): void {
    if (this.#line.state === state && JSON.stringify(this.#line.failure) === JSON.stringify(failure)) return;
    this.#line = { state, failure };
    this.#events.line(this.#line);
  }

  #tell(name: string, topic: Topic): void {
    const { view, failure } = topic;
    this.#events.topic(name, { view, failure, cost: this.#isRead(topic) ? costRate(topic.readings) : 0 });
  }
}

/** Seconds of CPU a second. */
function costRate(readings: Topic['readings']): number {
  if (readings.length === 0) return 0;
  const spent = readings.reduce((sum, { cost }) => sum + cost, 0);
  const passed = readings.at(-1)!.at - readings[0]!.at + INTERVAL;
  return spent / (Math.max(passed, readings.length * INTERVAL) / 1_000);
}

function checkedAs<T>(check: (value: unknown) => T, value: unknown): T {
  try {
    return check(value);
  } catch (error) {
    throw new FeedError({ ...MALFORMED, detail: error instanceof Error ? error.message : String(error) });
  }
}

const UNREACHABLE: Failure = {
  code: '',
  title: 'The process does not answer.',
  detail: 'It has ended, or the network between is down.',
  advice: '',
};
const SILENT: Failure = {
  code: '',
  title: 'The process does not answer.',
  detail: `Nothing came for ${GIVE_UP_AFTER / 1_000} s: it may be stopped, or busy with something that holds the interpreter.`,
  advice: '',
};
const NOT_OURS: Failure = {
  code: '',
  title: 'Something else answers at this address.',
  detail: 'Another server has taken the port.',
  advice: '',
};
const MALFORMED: Failure = { code: 'PROTOCOL_ERROR', title: 'The answer could not be read.', detail: '', advice: '' };

/** What a problem document says, or the status where it is none. */
function failureOf(status: number, text: string): Failure {
  try {
    const problem = JSON.parse(text) as Partial<Record<keyof Failure, unknown>>;
    if (typeof problem.code === 'string' && typeof problem.title === 'string') {
      const { code, title } = problem;
      return { code, title, detail: String(problem.detail ?? ''), advice: String(problem.advice ?? '') };
    }
  } catch {
    // A proxy's own page: the status says enough.
  }
  return { ...UNREACHABLE, detail: `Something on the way answers with HTTP ${status}.` };
}
