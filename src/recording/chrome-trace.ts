import type { Micros } from '../model/units.ts';
import type { RecordedTask } from './recorded-task.ts';

/**
 * One entry of the trace-event format (JSON): `X` a complete event, `b` and `e` the ends of one that may overlap others, `M`
 * metadata. Times are microseconds.
 */
export interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'b' | 'e' | 'M';
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  readonly id?: string;
  readonly ts?: Micros;
  readonly dur?: Micros;
  readonly args: Readonly<Record<string, unknown>>;
}

/**
 * Tasks as a trace that Perfetto and Chrome open as it is: a process for each worker, a thread for each of its threads. Complete events
 * of one thread must nest, and transfers overlap computes and one another: what is no compute is asynchronous.
 */
export class ChromeTrace {
  readonly #processes = new Map<string, number>();
  readonly #threads = new Map<string, number>();
  #ids = 0;

  /** The events of a task, after those that name its worker and thread where they are new. */
  eventsOf(task: RecordedTask): TraceEvent[] {
    const { key, status, nbytes, type, exception } = task;
    const events: TraceEvent[] = [];
    const pid = this.#process(task.worker, events);
    const tid = this.#thread(pid, task.thread, events);
    for (const { action, start, stop, source } of task.startstops) {
      const ts = Math.round(start * 1e6);
      const end = Math.max(ts, Math.round(stop * 1e6));
      if (action === 'compute') {
        const cat = status === 'erred' ? 'compute,erred' : 'compute';
        const args = { key, status, nbytes, type, ...(exception !== undefined && { exception }) };
        events.push({ name: task.name, cat, ph: 'X', pid, tid, ts, dur: end - ts, args });
      } else {
        const both = { name: action, cat: action, id: `0x${(++this.#ids).toString(16)}`, pid, tid };
        events.push({ ...both, ph: 'b', ts, args: { key, ...(source !== undefined && { source }) } });
        events.push({ ...both, ph: 'e', ts: end, args: {} });
      }
    }
    return events;
  }

  #process(worker: string, events: TraceEvent[]): number {
    let pid = this.#processes.get(worker);
    if (pid === undefined) {
      pid = this.#processes.size + 1;
      this.#processes.set(worker, pid);
      events.push({ name: 'process_name', ph: 'M', pid, tid: 0, args: { name: worker } });
      events.push({ name: 'process_sort_index', ph: 'M', pid, tid: 0, args: { sort_index: pid } });
    }
    return pid;
  }

  #thread(pid: number, thread: number, events: TraceEvent[]): number {
    const name = `${pid} ${thread}`;
    let tid = this.#threads.get(name);
    if (tid === undefined) {
      // Identities of threads do not fit: a tid is a 32-bit number.
      tid = this.#threads.size + 1;
      this.#threads.set(name, tid);
      events.push({ name: 'thread_name', ph: 'M', pid, tid, args: { name: `thread ${thread}` } });
    }
    return tid;
  }
}
