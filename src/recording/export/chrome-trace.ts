import type { Micros } from '../../model/units.ts';
import type { RecordedTask } from './recorded-task.ts';

/**
 * One entry of the trace-event format (JSON): `X` a complete event, `b` and `e` the ends of one that may overlap others, `s` and `f`
 * the ends of an arrow, `M` metadata. Times are microseconds.
 */
export interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'b' | 'e' | 's' | 'f' | 'M';
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  readonly id?: string;
  readonly ts?: Micros;
  readonly dur?: Micros;
  /** An arrow ends at the event around it. */
  readonly bp?: 'e';
  readonly args: Readonly<Record<string, unknown>>;
}

/** Where a task stands in the trace. */
interface Place {
  readonly pid: number;
  readonly tid: number;
  readonly ts: Micros;
  readonly end: Micros;
}

/** Computes of a row that are remembered, to know whether another one overlaps them. */
const REMEMBERED = 64;
/** Arrows lead to tasks that stand at most so many rows before. */
const ARROW_ROWS = 65_536;

/** A row of complete events, which must not overlap. */
class Lane {
  readonly tid: number;
  readonly #taken: { readonly ts: Micros; readonly end: Micros }[] = [];
  /** Everything before this was forgotten. */
  #known: Micros = Number.NEGATIVE_INFINITY;

  constructor(tid: number) {
    this.tid = tid;
  }

  /** Takes the time if it is free, and says so. */
  take(ts: Micros, end: Micros): boolean {
    if (ts < this.#known || this.#taken.some((other) => ts < other.end && other.ts < end)) return false;
    this.#taken.push({ ts, end });
    if (this.#taken.length > REMEMBERED) this.#known = Math.max(this.#known, this.#taken.shift()!.end);
    return true;
  }
}

/**
 * Tasks as a trace that Perfetto and Chrome open as it is: a process for each worker, a thread for each of its threads. Complete events
 * of one thread must not overlap, so what does has a further row; transfers and disk, which overlap computes and one another, are
 * asynchronous and get rows of their own. Arrows lead from a task to those that needed it.
 */
export class ChromeTrace {
  readonly #processes = new Map<string, number>();
  readonly #threads = new Map<string, Lane[]>();
  /** The computes of the last rows. */
  readonly #places: (Place | undefined)[] = [];
  #rows = 0;
  #tids = 0;
  #ids = 0;

  /** The events of a task, after those that name its worker and thread where they are new. */
  eventsOf(task: RecordedTask): TraceEvent[] {
    const { key, status, nbytes, type, exception } = task;
    const events: TraceEvent[] = [];
    const pid = this.#process(task.worker, events);
    let place: Place | undefined;
    for (const { action, start, stop, source } of task.startstops) {
      const ts = Math.round(start * 1e6);
      const end = Math.max(ts, Math.round(stop * 1e6));
      if (action === 'compute') {
        const tid = this.#lane(pid, task.thread, ts, end, events);
        const cat = status === 'erred' ? 'compute,erred' : 'compute';
        const args = { key, status, nbytes, type, ...(exception !== undefined && { exception }) };
        events.push({ name: task.name, cat, ph: 'X', pid, tid, ts, dur: end - ts, args });
        place = { pid, tid, ts, end };
      } else {
        const tid = this.#lanes(pid, task.thread, events)[0]!.tid;
        const both = { name: action, cat: action, id: this.#id(), pid, tid };
        events.push({ ...both, ph: 'b', ts, args: { key, ...(source !== undefined && { source }) } });
        events.push({ ...both, ph: 'e', ts: end, args: {} });
      }
    }
    // Rows from before somebody watched do not count as rows.
    if (!task.past) this.#addArrows(task.dependencies, place, events);
    return events;
  }

  #addArrows(dependencies: readonly number[], place: Place | undefined, events: TraceEvent[]): void {
    const row = this.#rows++;
    this.#places[row % ARROW_ROWS] = place;
    // An arrow's ends must lie inside of events, and those of no length have no inside.
    if (place === undefined || place.end === place.ts) return;
    for (const back of dependencies) {
      const from = back < ARROW_ROWS && back <= row ? this.#places[(row - back) % ARROW_ROWS] : undefined;
      if (from === undefined || from.end === from.ts || from.end - 1 > place.ts) continue;
      const both = { name: 'dependency', cat: 'dependency', id: this.#id(), args: {} };
      events.push({ ...both, ph: 's', pid: from.pid, tid: from.tid, ts: from.end - 1 });
      events.push({ ...both, ph: 'f', bp: 'e', pid: place.pid, tid: place.tid, ts: place.ts });
    }
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

  /** The first row of a thread on which that time is free. */
  #lane(pid: number, thread: number, ts: Micros, end: Micros, events: TraceEvent[]): number {
    const lanes = this.#lanes(pid, thread, events);
    const free = lanes.find((lane) => lane.take(ts, end));
    if (free !== undefined) return free.tid;
    const added = this.#addLane(pid, `thread ${thread} (${lanes.length + 1})`, events);
    lanes.push(added);
    added.take(ts, end);
    return added.tid;
  }

  #lanes(pid: number, thread: number, events: TraceEvent[]): Lane[] {
    const name = `${pid} ${thread}`;
    let lanes = this.#threads.get(name);
    if (lanes === undefined) {
      lanes = [this.#addLane(pid, `thread ${thread}`, events)];
      this.#threads.set(name, lanes);
    }
    return lanes;
  }

  #addLane(pid: number, name: string, events: TraceEvent[]): Lane {
    // Identities of threads do not fit: a tid is a 32-bit number.
    const tid = ++this.#tids;
    events.push({ name: 'thread_name', ph: 'M', pid, tid, args: { name } });
    events.push({ name: 'thread_sort_index', ph: 'M', pid, tid, args: { sort_index: tid } });
    return new Lane(tid);
  }

  #id(): string {
    return `0x${(++this.#ids).toString(16)}`;
  }
}
