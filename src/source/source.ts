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
}
