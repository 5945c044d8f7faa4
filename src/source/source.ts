import type { ClusterAction, ClusterActionName } from '../model/cluster-action.ts';
import type { DebugIndex, DebugView } from '../model/debug.ts';
import type { SourceSink } from '../model/source-event.ts';

/**
 * One engine, watched. Implementations: `dask/dask-source.ts`, `embedded.ts`; `conformance.ts` is the suite that
 * every one of them passes.
 */
export interface Source extends AsyncDisposable {
  /**
   * Begins to watch and returns once the first `cluster` event was accepted, or throws a coded
   * {@link TaskglassError} that says what was wrong with the address. Afterwards it never throws: a
   * lost engine is a `link` event, and the source retries for ever until it is disposed.
   *
   * With `wait` it never throws for an engine that is not there yet either: it retries from the start
   * and returns at once.
   */
  start(sink: SourceSink, options?: { readonly wait?: boolean }): Promise<void>;
  /** Ends watching. Leaves no trace in the engine. Idempotent. */
  close(): Promise<void>;
  /** The engine's debug pages, reached through its scheduler; absent where the source has no way to them. */
  readonly debug?: DebugAccess;
  /** What can be done to the engine; absent where nothing can. Everything else only ever reads. */
  readonly actions?: ActionAccess;
}

/** Whose debug pages: the scheduler's, or those of the worker with this name or address. */
export type DebugTarget = { readonly role: 'scheduler' } | { readonly role: 'worker'; readonly worker: string };

/**
 * Reads what the debug servers of a cluster would answer, over the connection that there is anyhow. Rejects with
 * NOT_FOUND (no such worker, no such topic), DEBUG_UNAVAILABLE (the process has no debug pages) and DEBUG_TIMEOUT.
 */
export interface DebugAccess {
  index(target: DebugTarget): Promise<DebugIndex>;
  view(target: DebugTarget, topic: string): Promise<DebugView>;
}

/** Acts on the engine. Called only where the one who started the server allowed it. */
export interface ActionAccess {
  /** What this engine can do; others are refused without asking it. */
  readonly names: readonly ClusterActionName[];
  /**
   * Resolves with what came of it, in a few words. Rejects with NOT_FOUND (no such worker, no such task), ACTION_FAILED (the engine
   * refused or could not) and what a call can meet on its way.
   */
  run(action: ClusterAction): Promise<string>;
}
