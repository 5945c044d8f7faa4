import type { LogEntry } from '../../model/source-event.ts';
import { SCHEDULER_STATES, STATE_COUNT, STATE_INDEX } from '../../model/task-state.ts';
import type { Bytes, Duration } from '../../model/units.ts';
import type { TaskState } from '../scheduling/task.ts';
import { Ring } from './ring.ts';
import { TransitionLog } from './transition-log.ts';

const MOST_LOG = 1000;
/** Workers that died leave their pairs behind. */
const MOST_PAIRS = 4096;

/** Transfers from one worker to another. */
interface TransferTotals {
  readonly from: string;
  readonly to: string;
  count: number;
  nbytes: Bytes;
  seconds: Duration;
}

/** What a scheduler keeps of its past for its debug pages: bounded, and next to nothing for each task. */
export class SchedulerRecord {
  readonly transitions = new TransitionLog([...SCHEDULER_STATES, 'forgotten']);
  readonly log = new Ring<LogEntry>(MOST_LOG);
  readonly #transfers = new Map<string, TransferTotals>();

  moved(key: string, from: TaskState, to: TaskState): void {
    this.transitions.add(key, indexOf(from), indexOf(to));
  }

  transferred(from: string, to: string, nbytes: Bytes, seconds: Duration): void {
    const pair = `${from} ${to}`;
    let totals = this.#transfers.get(pair);
    if (totals === undefined) {
      if (this.#transfers.size >= MOST_PAIRS) this.#transfers.delete(this.#transfers.keys().next().value!);
      totals = { from, to, count: 0, nbytes: 0, seconds: 0 };
      this.#transfers.set(pair, totals);
    }
    totals.count++;
    totals.nbytes += nbytes;
    totals.seconds += seconds;
  }

  get transfers(): Iterable<Readonly<TransferTotals>> {
    return this.#transfers.values();
  }
}

function indexOf(state: TaskState): number {
  return state === 'forgotten' ? STATE_COUNT : STATE_INDEX[state];
}
