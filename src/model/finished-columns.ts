import type { FinishedColumns, TaskError } from './source-event.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type WritableColumns = Mutable<FinishedColumns> & { errors: Map<number, TaskError>; keys: string[] };

/** Zeroed columns for so many tasks and startstops. */
export function makeColumns(length: number, startstops: number, past: boolean): WritableColumns {
  return {
    length,
    keys: new Array<string>(length).fill(''),
    fn: new Uint32Array(length),
    group: new Uint32Array(length),
    worker: new Uint32Array(length),
    thread: new Float64Array(length),
    type: new Uint32Array(length),
    status: new Uint8Array(length),
    nbytes: new Float64Array(length),
    startstops: new Uint16Array(length),
    action: new Uint8Array(startstops),
    start: new Float64Array(startstops),
    stop: new Float64Array(startstops),
    origin: new Uint32Array(startstops),
    errors: new Map(),
    past,
  };
}
