import type {
  ResourcesBatch,
  RunningBatch,
  StateBatch,
  WindowBatch,
  WindowQuery,
  WorkersBatch,
} from '../model/batch.ts';

/**
 * Everything that crosses the WebSocket, both ways. The server sends binary messages ({@link ServerMessage},
 * `encode.ts`); the page sends JSON text ({@link ClientMessage}, `client-message.ts`). `docs/wire.md` describes the bytes.
 *
 * When this changes so that an older page would misread it, raise WIRE_VERSION and write down why in docs/wire.md. A page
 * of another version is refused by name and reloads.
 */
export const WIRE_VERSION = 2;

/** Parts of the state that a page asks for; `state` comes always. */
export const TOPICS = ['running', 'workers', 'resources'] as const;
export type Topic = (typeof TOPICS)[number];

export type ServerMessage =
  | { readonly kind: 'hello'; readonly version: number; readonly server: string }
  | { readonly kind: 'state'; readonly batch: StateBatch }
  | { readonly kind: 'running'; readonly batch: RunningBatch }
  | { readonly kind: 'workers'; readonly batch: WorkersBatch }
  | { readonly kind: 'resources'; readonly batch: ResourcesBatch }
  | { readonly kind: 'window'; readonly id: number; readonly batch: WindowBatch }
  | { readonly kind: 'pong'; readonly id: number }
  | { readonly kind: 'error'; readonly code: string; readonly detail: string };

export type ClientMessage =
  | { readonly kind: 'hello'; readonly version: number }
  /** Replaces the earlier subscription. Each topic begins with a reset. */
  | { readonly kind: 'subscribe'; readonly topics: readonly Topic[] }
  /** Opens a window, or moves the one that has this id. Answered by a reset, then by what comes to it. */
  | { readonly kind: 'window'; readonly id: number; readonly query: WindowQuery }
  | { readonly kind: 'close-window'; readonly id: number }
  /** Shows what was true at a time, epoch seconds, and plays on from there; null: now again. Each topic begins with a reset. */
  | { readonly kind: 'playhead'; readonly time: number | null; readonly speed: number }
  | { readonly kind: 'ping'; readonly id: number };

/** A session may hold this many windows; opening another is an error. */
export const MAX_WINDOWS = 8;
/** Functions that a window may be narrowed to. */
export const MAX_FUNCTIONS = 16_384;
/** Tracks that a window may be narrowed to. */
export const MAX_TRACKS = 4_096;
/** Rows of a window that are sums of tracks, and tracks in all of them together. */
export const MAX_GROUPS = 2_048;
export const MAX_GROUPED = 65_536;
/** Longest text message that a page may send, bytes: room for that many functions and tracks. */
export const MAX_CLIENT_MESSAGE = 131_072;
