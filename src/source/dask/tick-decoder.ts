import type {
  FinishedColumns,
  FunctionCounts,
  RunningChange,
  SourceSink,
  TaskError,
  TickEvent,
  WorkerInfo,
  WorkerSample,
} from '../../model/source-event.ts';
import { ACTION_INDEX, type Action, STATE_COUNT } from '../../model/task-state.ts';
import { toMicros } from '../../model/units.ts';
import { broken, count, f64, list, num, ports, str, u8, u16, u32 } from './columns.ts';
import { decode, isRecord, type Value } from './comm/msgpack.ts';
import { LinkReader } from './link-reader.ts';

type Message = { readonly [key: string]: Value };

/** What the agent says when it attaches. */
export interface Hello {
  readonly id: string;
  readonly address: string;
  readonly version: string;
  readonly started: number;
  readonly services: Record<string, number>;
  /** Addresses of the workers, and names of the prefixes, that there are now. */
  readonly workers: readonly string[];
  readonly prefixes: readonly string[];
  readonly gap: GapFigures | undefined;
  readonly abilities: SchedulerAbilities;
}

/** What this scheduler lets us do, or can do, that others do not. */
export interface SchedulerAbilities {
  /** Its configuration does not keep it from running a function that it is sent. */
  readonly runsFunctions: boolean;
  /** It takes no result of one run of a task for that of the next. */
  readonly tellsRunsApart: boolean;
}

/** What the scheduler itself knows of the time in which nobody watched; null where it does not. */
export interface GapFigures {
  readonly finished: number | null;
  readonly index: number | null;
  readonly logged: number | null;
  readonly recovered: number | null;
}

export interface DecodedTick {
  readonly time: number;
  readonly hello: Hello | undefined;
  readonly events: readonly TickEvent[];
  /** Finished tasks in this tick, without those from before the agent came. */
  readonly finished: number;
  /** Finished tasks that the agent had to drop. */
  readonly dropped: number;
  /** The scheduler's own counters once all that this tick reports had happened; null where it does not say. */
  readonly transitions: number | null;
  readonly streamIndex: number | null;
  readonly finishedTotal: number | null;
}

/**
 * Turns the agent's messages into source events. Holds the agent's string tables, each entry mapped once to the
 * sink's indices. One per attachment.
 */
export class TickDecoder {
  readonly #sink: SourceSink;
  readonly #groupFn: number[] = [];
  readonly #groups: number[] = [];
  readonly #laneWorker: number[] = [];
  readonly #laneThread: number[] = [];
  readonly #types: number[] = [];
  readonly #workers: number[] = [];
  readonly #prefixes: number[] = [];
  readonly #actions: number[] = [];
  readonly #links = new LinkReader();
  /** Forgotten tasks per function from earlier attachments: the agent counts from its own beginning. */
  readonly #forgottenBefore: ReadonlyMap<number, number>;
  /** Per function, the latest. */
  readonly forgotten: Map<number, number>;

  constructor(sink: SourceSink, forgottenBefore: ReadonlyMap<number, number> = new Map()) {
    this.#sink = sink;
    this.#forgottenBefore = forgottenBefore;
    this.forgotten = new Map(forgottenBefore);
  }

  /** Throws PROTOCOL_ERROR for what no agent sends. */
  decode(bytes: Uint8Array): DecodedTick {
    const m = decode(bytes);
    if (!isRecord(m)) return broken('no map');
    this.#readTables(m.i);
    const time = num(m.t);
    const events: TickEvent[] = [];
    if (m.past !== undefined) {
      const past = isRecord(m.past) && m.past.past !== false;
      events.push({ kind: 'tick', time, finished: this.#finished(m.past, past) });
    }
    const finished = m.done === undefined ? undefined : this.#finished(m.done, false);
    const workers = this.#workersChange(m);
    const log = m.log === undefined ? [] : list(m.log).map(logEntry);
    // What the tick that failed held is counted in `dropped` of a later one.
    if (typeof m.error === 'string') log.push({ time, topic: 'agent', text: `a tick failed: ${m.error}` });
    const event: TickEvent = {
      kind: 'tick',
      time,
      ...(finished && { finished }),
      ...((m.run !== undefined || m.hello !== undefined) && { running: this.#running(m) }),
      ...(m.p !== undefined && { functions: this.#functions(m.p) }),
      ...(workers && { workers }),
      ...(m.s !== undefined && { totals: totals(list(m.s, 6)) }),
      ...(m.cost !== undefined && { cost: cost(list(m.cost, 3)) }),
      ...(log.length > 0 && { log }),
    };
    if (Object.keys(event).length > 2) events.push(event);
    // Every clock in the house goes by it.
    if (events.length > 0 && !(time > 0 && Number.isSafeInteger(toMicros(time)))) broken('no time');
    return {
      time,
      hello: m.hello === undefined ? undefined : hello(m.hello),
      events,
      finished: finished?.length ?? 0,
      dropped: count(m.dropped),
      transitions: numberOrNull(m.tc),
      streamIndex: numberOrNull(m.index),
      finishedTotal: numberOrNull(m.finished),
    };
  }

  /** New strings, in the order in which colours are given: prefixes as the scheduler knows them come first. */
  #readTables(tables: Value | undefined): void {
    if (tables === undefined) return;
    if (!isRecord(tables)) broken('tables');
    const sink = this.#sink;
    const read = (name: string, columns: number[][], add: (value: Value) => void): void => {
      const table = tables[name];
      if (table === undefined) return;
      const [reset, values] = list(table, 2);
      if (reset === true) for (const column of columns) column.length = 0;
      for (const value of list(values)) add(value);
    };
    read('worker', [this.#workers], (value) => this.#workers.push(sink.intern('worker', str(value))));
    read('prefix', [this.#prefixes], (value) => this.#prefixes.push(sink.intern('function', str(value))));
    read('group', [this.#groups, this.#groupFn], (value) => {
      const [group, prefix] = list(value, 2);
      this.#groupFn.push(sink.intern('function', str(prefix)));
      this.#groups.push(sink.intern('group', str(group)));
    });
    read('type', [this.#types], (value) => this.#types.push(sink.intern('type', str(value))));
    read('lane', [this.#laneWorker, this.#laneThread], (value) => {
      const [worker, thread] = list(value, 2);
      this.#laneWorker.push(this.#workers[num(worker)] ?? 0);
      this.#laneThread.push(num(thread) || 0);
    });
    // An action that is not known here is drawn as computing: it kept a thread busy.
    read('action', [this.#actions], (value) =>
      this.#actions.push(ACTION_INDEX[str(value) as Action] ?? ACTION_INDEX.compute),
    );
  }

  #finished(value: Value, past: boolean): FinishedColumns {
    if (!isRecord(value)) return broken('records');
    const keys = list(value.key).map(str);
    const length = keys.length;
    const fn = u32(value.group, length);
    const group = mapped(fn, this.#groups);
    const worker = u32(value.lane, length);
    const thread = Float64Array.from(worker, (lane) => this.#laneThread[lane] ?? 0);
    const startstops = u16(value.nss, length);
    let total = 0;
    for (const n of startstops) total += n;
    const action = u8(value.action, total);
    const origins = u32(value.origin);
    const origin = new Uint32Array(total);
    for (let i = 0, next = 0; i < total; i++) {
      action[i] = this.#actions[action[i]!] ?? ACTION_INDEX.compute;
      if (action[i] === ACTION_INDEX.transfer) origin[i] = this.#workers[origins[next++] ?? -1] ?? 0;
    }
    const errors = new Map<number, TaskError>();
    if (value.err !== undefined) {
      for (const item of list(value.err)) {
        const [row, exception, traceback] = list(item, 3);
        errors.set(num(row), { exception: str(exception), traceback: str(traceback) });
      }
    }
    const status = u8(value.status, length);
    for (let i = 0; i < length; i++) status[i] = status[i] === 0 ? 0 : 1;
    return {
      length,
      keys,
      fn: inPlace(fn, this.#groupFn),
      group,
      worker: inPlace(worker, this.#laneWorker),
      thread,
      type: inPlace(u32(value.type, length), this.#types),
      status,
      nbytes: f64(value.nbytes, length),
      startstops,
      action,
      start: f64(value.start, total),
      stop: f64(value.stop, total),
      origin,
      ...this.#links.read(value, length, past),
      errors,
      past,
    };
  }

  #running(m: Message): RunningChange {
    const reset = m.hello !== undefined;
    if (m.run === undefined) return { reset, started: [], ended: [] };
    if (!isRecord(m.run)) return broken('running tasks');
    const keys = list(m.run.key).map(str);
    const groups = u32(m.run.group, keys.length);
    const workers = u32(m.run.worker, keys.length);
    const starts = f64(m.run.start, keys.length);
    const started = keys.map((key, i) => ({
      key,
      fn: this.#groupFn[groups[i]!] ?? 0,
      worker: this.#workers[workers[i]!] ?? 0,
      start: starts[i]!,
    }));
    return { reset, started, ended: list(m.run.ended).map(str) };
  }

  #functions(value: Value): FunctionCounts {
    if (!isRecord(value)) return broken('counts');
    const fn = inPlace(u32(value.id), this.#prefixes);
    const forgotten = f64(value.forgotten, fn.length);
    fn.forEach((index, i) => {
      forgotten[i]! += this.#forgottenBefore.get(index) ?? 0;
      this.forgotten.set(index, forgotten[i]!);
    });
    return { fn, states: u32(value.states, fn.length * STATE_COUNT), forgotten, nbytes: f64(value.nbytes, fn.length) };
  }

  #workersChange(m: Message): TickEvent['workers'] {
    const samples = this.#samples(m);
    const removed = m.gone === undefined ? [] : list(m.gone).map((id) => this.#workers[num(id)] ?? 0);
    const added = m.wi === undefined ? [] : list(m.wi).map((info) => this.#info(list(info, 11)));
    if (samples.length + removed.length + added.length === 0) return undefined;
    return {
      ...(removed.length > 0 && { removed }),
      ...(added.length > 0 && { added }),
      ...(samples.length > 0 && { samples }),
    };
  }

  #info(info: readonly Value[]): WorkerInfo {
    return {
      worker: this.#workers[num(info[0])] ?? 0,
      address: str(info[1]),
      name: str(info[2]),
      host: str(info[3]),
      nthreads: count(info[4]),
      memoryLimit: count(info[5]),
      version: str(info[6]),
      services: ports(info[7]),
      nanny: str(info[8]),
      pid: count(info[9]),
      localDirectory: str(info[10]),
    };
  }

  #samples(m: Message): WorkerSample[] {
    const samples = new Map<number, WorkerSample>();
    const add = (id: number, part: Partial<WorkerSample>): void => {
      const worker = this.#workers[id] ?? 0;
      samples.set(worker, { ...samples.get(worker), ...part, worker });
    };
    if (isRecord(m.w)) {
      const ids = u32(m.w.id);
      const n = u32(m.w.n, 3 * ids.length);
      const d = f64(m.w.d, 2 * ids.length);
      ids.forEach((id, i) => {
        const [processing, inMemory, executing] = n.subarray(3 * i);
        add(id, {
          counts: {
            processing: processing!,
            inMemory: inMemory!,
            executing: executing!,
            occupancy: d[2 * i]!,
            nbytes: d[2 * i + 1]!,
          },
        });
      });
    }
    if (m.ws !== undefined) {
      for (const item of list(m.ws)) {
        const [id, status] = list(item, 2);
        add(num(id), { status: str(status) });
      }
    }
    if (isRecord(m.mt)) {
      const ids = u32(m.mt.id);
      const rows = f64(m.mt.rows, METRICS.length * ids.length);
      ids.forEach((id, i) => {
        const row = rows.subarray(METRICS.length * i);
        add(id, { metrics: Object.fromEntries(METRICS.map((name, c) => [name, row[c]!])) as unknown as Metrics });
      });
    }
    return [...samples.values()];
  }
}

type Metrics = NonNullable<WorkerSample['metrics']>;

/** The columns of the agent's heartbeat rows. */
const METRICS = [
  'lastSeen',
  'cpu',
  'process',
  'managed',
  'unmanagedOld',
  'unmanagedRecent',
  'spilled',
  'networkRead',
  'networkWrite',
  'diskRead',
  'diskWrite',
  'fds',
  'eventLoopInterval',
  'latency',
] as const satisfies readonly (keyof Metrics)[];

function inPlace(ids: Uint32Array, table: readonly number[]): Uint32Array {
  for (let i = 0; i < ids.length; i++) ids[i] = table[ids[i]!] ?? 0;
  return ids;
}

function mapped(ids: Uint32Array, table: readonly number[]): Uint32Array {
  return inPlace(ids.slice(), table);
}

function totals(row: readonly Value[]): NonNullable<TickEvent['totals']> {
  const [clients, idle, saturated, occupancy, cpu, memory] = row.map(num);
  return {
    clients: clients!,
    idle: idle!,
    saturated: saturated!,
    occupancy: occupancy!,
    cpu: cpu!,
    memory: memory!,
  };
}

function cost(row: readonly Value[]): NonNullable<TickEvent['cost']> {
  const [share, perTask, loopLag] = row.map(num);
  return { share: share!, perTask: perTask!, loopLag: loopLag! };
}

function logEntry(value: Value): { time: number; topic: string; text: string } {
  const [time, topic, text] = list(value, 3);
  return { time: num(time), topic: str(topic), text: str(text) };
}

function hello(value: Value): Hello {
  if (!isRecord(value)) return broken('a greeting');
  if (value.byteorder !== 'little') return broken('columns of a big-endian machine');
  const { gap } = value;
  return {
    id: str(value.id),
    address: str(value.address),
    version: str(value.version),
    started: num(value.started),
    services: ports(value.services),
    workers: list(value.workers).map(str),
    prefixes: list(value.prefixes).map(str),
    gap: isRecord(gap)
      ? {
          finished: numberOrNull(gap.finished),
          index: numberOrNull(gap.index),
          logged: numberOrNull(gap.logged),
          recovered: numberOrNull(gap.recovered),
        }
      : undefined,
    abilities: { runsFunctions: value.runs_functions === true, tellsRunsApart: value.tells_runs_apart === true },
  };
}

function numberOrNull(value: Value | undefined): number | null {
  const n = num(value);
  return Number.isFinite(n) ? n : null;
}
