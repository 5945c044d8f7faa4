import { RUN_GAP } from '../model/finished-brief.ts';
import type { Micros } from '../model/units.ts';
import type { StateReader, StateWriter } from './paging/state.ts';

export interface Run {
  start: Micros;
  stop: Micros;
  records: number;
  erred: number;
  readonly cluster: string;
}

/** Bursts of activity: maximal intervals of one cluster without a hole of more than ten seconds in executing time. */
export class Runs {
  readonly list: Run[] = [];
  /** +1 when a run was added or merged. */
  structure = 0;
  #cluster = '';

  get last(): Run | undefined {
    return this.list[this.list.length - 1];
  }

  /** Whether the last run is not the one that was the last when `before` was copied: runs may have been joined since. */
  isNew(before: Pick<Run, 'stop' | 'cluster'> | null): boolean {
    const { last } = this;
    return last !== undefined && (before === null || last.start > before.stop || last.cluster !== before.cluster);
  }

  /** From now on tasks belong to another cluster: what was before is closed. */
  setCluster(id: string): void {
    this.#cluster = id;
  }

  /** Something executed during [start, stop]. */
  touch(start: Micros, stop: Micros, records = 0, erred = 0): void {
    const { list } = this;
    let i = list.length - 1;
    while (i >= 0 && list[i]!.cluster === this.#cluster && list[i]!.start > stop + RUN_GAP) i--;
    const run = list[i];
    if (run === undefined || run.cluster !== this.#cluster || run.stop < start - RUN_GAP) {
      list.splice(i + 1, 0, { start, stop, records, erred, cluster: this.#cluster });
      this.structure++;
      return;
    }
    run.start = Math.min(run.start, start);
    run.stop = Math.max(run.stop, stop);
    run.records += records;
    run.erred += erred;
    this.#mergeBack(i);
  }

  save(into: StateWriter): void {
    const runs = this.list.map((run) => ({ ...run }));
    const cluster = this.#cluster;
    into.text(() => ({ runs, cluster }));
  }

  load(from: StateReader): void {
    const { runs, cluster } = from.text<{ runs: Run[]; cluster: string }>();
    this.list.push(...runs);
    this.#cluster = cluster;
    this.structure++;
  }

  #mergeBack(i: number): void {
    const { list } = this;
    while (i > 0) {
      const run = list[i]!;
      const before = list[i - 1]!;
      if (before.cluster !== run.cluster || before.stop < run.start - RUN_GAP) return;
      before.start = Math.min(before.start, run.start);
      before.stop = Math.max(before.stop, run.stop);
      before.records += run.records;
      before.erred += run.erred;
      list.splice(i, 1);
      this.structure++;
      i--;
    }
  }
}
