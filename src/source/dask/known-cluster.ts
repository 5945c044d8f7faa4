import type { GapEvent, TickEvent, WorkerInfo } from '../../model/source-event.ts';
import { STATE_COUNT } from '../../model/task-state.ts';
import type { ResumePoint } from './attach.ts';
import type { KnownProcesses, Services } from './debug-access.ts';
import type { DecodedTick, Hello, SchedulerAbilities } from './tick-decoder.ts';

/** What is remembered of a scheduler from one attachment to the next. */
export class KnownCluster implements KnownProcesses {
  id: string | undefined;
  /** The time of the last tick. */
  time = 0;
  forgotten: ReadonlyMap<number, number> = new Map();
  /** The scheduler's services. */
  scheduler: Services | undefined;
  /** Null: not known yet. */
  abilities: SchedulerAbilities | null = null;
  readonly workers = new Map<number, WorkerInfo>();
  readonly functions = new Set<number>();
  /** Tasks of each function that were still to finish, where there were any. */
  readonly #unfinished = new Map<number, number>();
  #transitions: number | null = null;
  #index: number | null = null;
  /** Records since those two were read. */
  #since = 0;
  #finished: number | null = null;
  /** Records since that was read. */
  #sinceFinished = 0;

  reset(id: string): void {
    this.id = id;
    this.forgotten = new Map();
    this.workers.clear();
    this.functions.clear();
    this.#unfinished.clear();
    this.#transitions = this.#index = this.#finished = null;
    this.#since = this.#sinceFinished = 0;
  }

  saw(tick: DecodedTick): void {
    if (Number.isFinite(tick.time)) this.time = tick.time;
    const records = tick.finished + tick.dropped;
    this.#since += records;
    this.#sinceFinished += records;
    if (tick.transitions !== null) {
      this.#transitions = tick.transitions;
      this.#index = tick.streamIndex;
      this.#since = 0;
      if (tick.finishedTotal !== null) {
        this.#finished = tick.finishedTotal;
        this.#sinceFinished = 0;
      }
    }
    for (const event of tick.events) this.sawEvent(event);
  }

  sawEvent({ workers, functions }: TickEvent): void {
    for (const worker of workers?.removed ?? []) this.workers.delete(worker);
    for (const info of workers?.added ?? []) this.workers.set(info.worker, info);
    if (functions === undefined) return;
    for (const [i, fn] of functions.fn.entries()) {
      this.functions.add(fn);
      const [waiting = 0, noWorker = 0, queued = 0, processing = 0] = functions.states.subarray(i * STATE_COUNT);
      if (waiting + noWorker + queued + processing === 0) this.#unfinished.delete(fn);
      else this.#unfinished.set(fn, waiting + noWorker + queued + processing);
    }
  }

  /**
   * Between the last that we heard of a scheduler and the beginning of the next one: what finished in it meanwhile, nobody knows. Null
   * where it had nothing left to do.
   */
  unheard({ started, time }: { readonly started: number; readonly time: number }): GapEvent | null {
    if (this.id === undefined || this.#unfinished.size === 0) return null;
    const until = started > this.time ? Math.min(started, time) : time;
    return { kind: 'gap', since: this.time, until: Math.max(this.time, until), size: null, reason: 'disconnected' };
  }

  /** By its address, else by its name; a name may be taken up again, so the newest has it. */
  worker(nameOrAddress: string): WorkerInfo | undefined {
    const all = [...this.workers.values()];
    return all.find(({ address }) => address === nameOrAddress) ?? all.findLast(({ name }) => name === nameOrAddress);
  }

  resumePoint(): ResumePoint | undefined {
    if (this.id === undefined) return undefined;
    return { id: this.id, tc: this.#transitions, index: this.#index, since: this.#since };
  }

  /**
   * Finished tasks that nobody recorded while we were away, by the best of the scheduler's own counts: its
   * task-stream buffer, its transition log, or its counts per prefix (exact unless data were scattered or
   * dependents erred meanwhile). Null when none of them reaches back.
   */
  missed({ gap }: Hello): number | null {
    if (!gap) return null;
    if (gap.recovered !== null && gap.index !== null && this.#index !== null) {
      return Math.max(0, gap.index - this.#index - this.#since - gap.recovered);
    }
    if (gap.logged !== null) return Math.max(0, gap.logged - this.#since);
    if (gap.finished !== null && this.#finished !== null) {
      const size = gap.finished - this.#finished - this.#sinceFinished;
      return size >= 0 ? size : null;
    }
    return null;
  }
}
