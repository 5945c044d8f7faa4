import type { LogEntry } from '../../model/source-event.ts';
import type { Bytes, Duration, Seconds } from '../../model/units.ts';
import { epochNow } from '../clock.ts';
import type { ThreadResult, WorkerReadings } from '../protocol.ts';
import { Ring } from './ring.ts';
import { TransitionLog } from './transition-log.ts';

const MOST_FINISHED = 1000;
const MOST_TRANSFERS = 1000;
const MOST_LOG = 1000;
/** Two minutes of heartbeats. */
const MOST_READINGS = 240;

/** What becomes of a task on its worker. */
const WORKER_TASK_STATES = [
  'received',
  'fetching',
  'ready',
  'running',
  'memory',
  'error',
  'dropped',
  'missing',
] as const;
type WorkerTaskState = (typeof WORKER_TASK_STATES)[number];

interface FinishedHere {
  readonly key: string;
  readonly name: string;
  readonly thread: number;
  readonly start: Duration;
  readonly stop: Duration;
  readonly ok: boolean;
  readonly nbytes: Bytes;
}

/** Results that came from one other worker in one answer. */
interface TransferIn {
  readonly source: string;
  readonly keys: number;
  readonly nbytes: Bytes;
  readonly start: Duration;
  readonly stop: Duration;
}

/** What a worker keeps of its past for its debug pages: bounded, and next to nothing for each task. */
export class WorkerRecord {
  readonly states = new TransitionLog(WORKER_TASK_STATES);
  readonly history = new Ring<FinishedHere>(MOST_FINISHED);
  readonly transfers = new Ring<TransferIn>(MOST_TRANSFERS);
  readonly log = new Ring<LogEntry>(MOST_LOG);
  readonly readings = new Ring<{ readonly time: Seconds; readonly readings: WorkerReadings }>(MOST_READINGS);
  readonly received = { results: 0, nbytes: 0 };

  moved(key: string, from: WorkerTaskState, to: WorkerTaskState): void {
    this.states.add(key, WORKER_TASK_STATES.indexOf(from), WORKER_TASK_STATES.indexOf(to));
  }

  finished(key: string, name: string, thread: number, result: ThreadResult): void {
    const { start, stop, ok } = result;
    this.moved(key, 'running', ok ? 'memory' : 'error');
    this.history.push({ key, name, thread, start, stop, ok, nbytes: ok ? result.data.byteLength : 0 });
  }

  transferred(transfer: TransferIn): void {
    this.transfers.push(transfer);
    this.received.results += transfer.keys;
    this.received.nbytes += transfer.nbytes;
  }

  missing(key: string, absent: number): void {
    this.moved(key, 'fetching', 'missing');
    this.note('transfer', `${key}: ${absent} inputs were not where they should be; the scheduler decides`);
  }

  read(readings: WorkerReadings): void {
    this.readings.push({ time: epochNow(), readings });
  }

  /** Something for people to read. */
  note(topic: string, text: string): void {
    this.log.push({ time: epochNow(), topic, text });
  }
}
