import type { RecordStatus } from './task-state.ts';
import type { Duration, Seconds } from './units.ts';

/** Which finished tasks somebody wants; what is absent does not matter. */
export interface TaskSelection {
  /** Only what ended at or after this, and started at or before that. */
  readonly since?: Seconds | undefined;
  readonly until?: Seconds | undefined;
  /** Functions, any of them. */
  readonly name?: readonly string[] | undefined;
  /** Addresses or names of workers, any of them. */
  readonly worker?: readonly string[] | undefined;
  /** Seconds from the first start to the last stop. */
  readonly minDuration?: Duration | undefined;
  readonly maxDuration?: Duration | undefined;
  readonly status?: RecordStatus | undefined;
  /** Part of a key, or what to ask of one. */
  readonly text?: string | ((key: string) => boolean) | undefined;
}

export function selectsAll(selection: TaskSelection): boolean {
  return Object.values(selection).every((value) => value === undefined);
}
