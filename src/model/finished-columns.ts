import type { FinishedColumns, TaskError } from './source-event.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type WritableColumns = Mutable<FinishedColumns> & { errors: Map<number, TaskError>; keys: string[] };

/** Zeroed columns for so many tasks, startstops and known dependencies. No task's `ready` is known. */
export function makeColumns(length: number, startstops: number, past: boolean, back = 0): WritableColumns {
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
    ready: new Float64Array(length).fill(Number.NaN),
    needs: new Uint32Array(length),
    dependencies: new Uint16Array(length),
    back: new Uint32Array(back),
    errors: new Map(),
    past,
  };
}
