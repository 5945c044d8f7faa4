import type { Duration, Seconds } from '../model/units.ts';

/** More than this without a task ends a run. */
const RUN_GAP: Duration = 10;

export interface RunSummary {
  readonly start: Seconds;
  readonly stop: Seconds;
  readonly tasks: number;
  readonly erred: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Bursts of activity in order: what was added, joined where no more than ten seconds lie between. */
export class RunList {
  readonly #runs: Mutable<RunSummary>[] = [];

  get runs(): readonly RunSummary[] {
    return this.#runs;
  }

  add({ start, stop, tasks, erred }: RunSummary): void {
    const runs = this.#runs;
    let i = runs.length - 1;
    while (i >= 0 && runs[i]!.start > stop + RUN_GAP) i--;
    const run = runs[i];
    if (run === undefined || run.stop < start - RUN_GAP) {
      runs.splice(i + 1, 0, { start, stop, tasks, erred });
      return;
    }
    run.start = Math.min(run.start, start);
    run.stop = Math.max(run.stop, stop);
    run.tasks += tasks;
    run.erred += erred;
    for (; i > 0 && runs[i - 1]!.stop >= runs[i]!.start - RUN_GAP; i--) {
      const [before, after] = runs.splice(i - 1, 2) as [RunSummary, RunSummary];
      runs.splice(i - 1, 0, {
        start: Math.min(before.start, after.start),
        stop: Math.max(before.stop, after.stop),
        tasks: before.tasks + after.tasks,
        erred: before.erred + after.erred,
      });
    }
  }
}
