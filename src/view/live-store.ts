import { type Accessor, batch, createContext, createSignal, onCleanup, useContext } from 'solid-js';
import type { WindowQuery } from '../model/batch.ts';
import type { Replica } from '../store/replica.ts';
import type { Topic } from '../wire/message.ts';
import type { Connection, ConnectionStatus } from './connection.ts';
import type { FrameLoop } from './frame-loop.ts';
import type { EarlyWindow } from './timeline/moving/early-window.ts';
import { openWindow, type WatchedWindow } from './watched-window.ts';

const VERSIONED = ['state', 'running', 'workers', 'resources'] as const;

/**
 * Solid's side of the replica, and nothing more: one signal a part, changed at most once a frame however many messages
 * came, read as `live.state()` before reading plain data from `live.replica`.
 */
export class Live {
  readonly replica: Replica;
  readonly connection: Connection;
  readonly frames: FrameLoop;
  /** The page is a file: there is no server to ask for more than is in it. */
  readonly isFile: boolean;
  /** Versions: they change when that part of the replica did. */
  readonly state: Accessor<number>;
  readonly running: Accessor<number>;
  readonly workers: Accessor<number>;
  readonly resources: Accessor<number>;
  /** The line to the server. */
  readonly status: Accessor<ConnectionStatus>;
  /** Whether time is allowed to move: the server answers and its scheduler does. */
  readonly flowing: Accessor<boolean>;
  #summed = -1;
  #totals: readonly number[] = [];
  readonly #early: EarlyWindow;
  readonly #setStatus: (status: ConnectionStatus) => void;

  constructor(replica: Replica, connection: Connection, frames: FrameLoop, early: EarlyWindow, isFile = false) {
    this.isFile = isFile;
    this.#early = early;
    this.replica = replica;
    this.connection = connection;
    this.frames = frames;
    const changed = new Set<(typeof VERSIONED)[number]>();
    const signals = Object.fromEntries(VERSIONED.map((part) => [part, createSignal(0)])) as Record<
      (typeof VERSIONED)[number],
      ReturnType<typeof createSignal<number>>
    >;
    const flush = frames.add('state', () =>
      batch(() => {
        for (const part of changed) signals[part][1]((version) => version + 1);
        changed.clear();
      }),
    );
    for (const part of VERSIONED)
      replica.on(part, () => {
        changed.add(part);
        flush.request();
      });
    this.state = signals.state[0];
    this.running = signals.running[0];
    this.workers = signals.workers[0];
    this.resources = signals.resources[0];
    const [status, setStatus] = createSignal(connection.status);
    this.status = status;
    this.#setStatus = setStatus;
    this.flowing = () => {
      this.state();
      return status().state === 'open' && ['connected', 'stalled'].includes(replica.link.state);
    };
  }

  /** Sums over functions, by index into SCHEDULER_STATES; added up once a change however many ask. */
  stateTotals(): readonly number[] {
    const version = this.state();
    if (version !== this.#summed) {
      this.#totals = this.replica.stateTotals();
      this.#summed = version;
    }
    return this.#totals;
  }

  statusChanged(status: ConnectionStatus): void {
    this.#setStatus(status);
  }

  /** Subscribes to a topic for as long as the calling component lives. */
  use(topic: Topic): void {
    onCleanup(this.connection.subscribe(topic));
  }

  /** Opens a window; dispose it when done. Its data are empty until the first answer. */
  openWindow(query: WindowQuery): WatchedWindow {
    return openWindow(this.connection, this.replica, query);
  }

  /** The window that was asked for before the page was built, for the first stream that wants one. */
  takeEarlyWindow(): WatchedWindow | null {
    return this.#early.take();
  }
}

export const LiveContext = createContext<Live>();

/** The page's live data. Throws outside of the page's composition root. */
export function useLive(): Live {
  const live = useContext(LiveContext);
  if (live === undefined) throw new Error('useLive() needs a LiveContext.Provider above it');
  return live;
}
