import { TaskglassError } from '../base/errors.ts';

export interface TaskOptionsInit {
  /** The key, instead of the function's name and a unique end. The same key again means the same task. */
  readonly key?: string;
  /** Names or addresses of the only workers that may run it. */
  readonly workers?: string | readonly string[];
  /** How often it may fail before it is erred. Default 0. */
  readonly retries?: number;
}

/** More about a task: made by {@link taskOptions} and given as the last argument, so no argument can be taken for it. */
export class TaskOptions {
  readonly key: string | undefined;
  readonly workers: ReadonlySet<string> | null;
  readonly retries: number;

  constructor(init: TaskOptionsInit) {
    const { key, workers, retries = 0 } = init;
    if (key !== undefined && (typeof key !== 'string' || key === '' || key.length > 1000)) {
      throw new TaskglassError('OPTION_INVALID', 'key must be a text of 1 to 1000 characters');
    }
    if (!Number.isInteger(retries) || retries < 0) {
      throw new TaskglassError('OPTION_INVALID', `retries must be a whole number from 0, not ${String(retries)}`);
    }
    const names = typeof workers === 'string' ? [workers] : workers;
    if (names !== undefined && (names.length === 0 || names.some((name) => typeof name !== 'string'))) {
      throw new TaskglassError('OPTION_INVALID', 'workers must be one or more names or addresses of workers');
    }
    this.key = key;
    this.workers = names === undefined ? null : new Set(names);
    this.retries = retries;
  }

  /** Arguments with the options at their end taken off. */
  static split(args: readonly unknown[]): [args: readonly unknown[], options: TaskOptions] {
    const last = args.at(-1);
    return last instanceof TaskOptions ? [args.slice(0, -1), last] : [args, NO_OPTIONS];
  }
}

const NO_OPTIONS = new TaskOptions({});

/**
 * Says more about a task: `client.submit(inc, 1, taskOptions({ workers: '0', retries: 2 }))`.
 *
 * @throws OPTION_INVALID
 */
export function taskOptions(init: TaskOptionsInit): TaskOptions {
  return new TaskOptions(init);
}
