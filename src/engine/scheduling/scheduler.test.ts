import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SCHEDULER_STATES, STATE_INDEX } from '../../model/task-state.ts';
import type { ComputeOp, ToWorker } from '../protocol.ts';
import { Scheduler } from './scheduler.ts';
import { type Task, type TaskSpec, WorkerState } from './task.ts';
import { actOn } from './task-actions.ts';
import { TRANSITIONS } from './transitions.ts';

/** A scheduler with workers that are plain lists: what they were told, what they hold. */
class World {
  readonly finishedRuns: string[] = [];
  readonly scheduler = new Scheduler({
    now: () => 1,
    send: (worker, operation) => this.#deliver(worker, operation),
    settled: () => {},
    counted: () => {},
    ended: () => {},
    running: () => {},
    finished: (task) => this.finishedRuns.push(task.key),
  });
  readonly doing = new Map<WorkerState, Map<string, ComputeOp>>();
  readonly held = new Map<WorkerState, Map<string, number>>();
  #ports = 1000;

  addWorker(name: string, nthreads = 1): WorkerState {
    const worker = new WorkerState(`tcp://127.0.0.1:${this.#ports++}`, name, nthreads, 0, 1);
    this.doing.set(worker, new Map());
    this.held.set(worker, new Map());
    this.scheduler.addWorker(worker);
    return worker;
  }

  kill(worker: WorkerState): void {
    this.doing.delete(worker);
    this.held.delete(worker);
    this.scheduler.removeWorker(worker, 'killed');
  }

  submit(key: string, inputs: readonly string[] = [], more: Partial<TaskSpec> = {}): Task {
    const fn = {
      id: 'f',
      prefix: key.replace(/\d+$/, ''),
      definition: { kind: 'source', name: 'f', text: '' },
    } as const;
    const args = new Uint8Array(0);
    return this.scheduler.submit({ key, fn, args, token: '', inputs, workers: null, retries: 0, ...more });
  }

  /** One worker ends one task. @returns false when none has any */
  step(choice = 0, outcome: 'finished' | 'erred' = 'finished'): boolean {
    const all = [...this.doing].flatMap(([worker, ops]) => [...ops.values()].map((op) => [worker, op] as const));
    const pick = all[choice % Math.max(all.length, 1)];
    if (pick === undefined) return false;
    const [worker, { key, attempt, inputs }] = pick;
    for (const input of inputs) {
      expect(input.holders.length, `${key} has its input ${input.key}`).toBeGreaterThan(0);
    }
    this.doing.get(worker)!.delete(key);
    const common = { key, attempt, thread: 1, startstops: [{ action: 'compute', start: 1, stop: 2 }] } as const;
    if (outcome === 'erred') {
      this.scheduler.erred(worker, { op: 'erred', ...common, error: { name: 'Error', message: 'x', stack: 'x' } });
    } else {
      this.held.get(worker)!.set(key, attempt);
      this.scheduler.finished(worker, { op: 'finished', ...common, nbytes: 10, type: 'number' });
    }
    return true;
  }

  run(): void {
    while (this.step());
  }

  /** A worker fetches a result that another holds. */
  copy(task: Task, worker: WorkerState): void {
    this.held.get(worker)!.set(task.key, task.attempt);
    this.scheduler.fetched(worker, { op: 'fetched', results: [{ key: task.key, attempt: task.attempt }] });
  }

  /** A worker gives a task back because a holder does not have one of its inputs. */
  miss(worker: WorkerState, op: ComputeOp): void {
    this.doing.get(worker)!.delete(op.key);
    const absent = op.inputs.slice(0, 1).flatMap(({ key, attempt }) => {
      const holder = [...this.held].find(([, held]) => held.get(key) === attempt);
      if (holder === undefined) return [];
      holder[1].delete(key);
      return [{ key, attempt, holder: holder[0].address }];
    });
    this.scheduler.missing(worker, { op: 'missing', key: op.key, attempt: op.attempt, absent });
  }

  /** What must hold between any two stimuli. */
  check(): void {
    const { tasks, prefixes, workers } = this.scheduler;
    const counts = new Map([...prefixes.keys()].map((name) => [name, SCHEDULER_STATES.map(() => 0)]));
    for (const task of tasks.values()) {
      expect(task.state).not.toBe('forgotten');
      if (task.state !== 'forgotten') counts.get(task.prefix.name)![STATE_INDEX[task.state]]!++;
      expect(task.worker !== null, `${task.key} ${task.state}: a worker exactly while processing`).toBe(
        task.state === 'processing',
      );
      expect(task.holders.size > 0, `${task.key} ${task.state}: held exactly while in memory`).toBe(
        task.state === 'memory',
      );
      expect(task.failure !== null, `${task.key}: a failure exactly while erred`).toBe(task.state === 'erred');
      if (task.state === 'waiting') expect(task.waitingOn.size, `${task.key} waits for something`).toBeGreaterThan(0);
      if (task.state === 'processing' || task.state === 'queued') {
        for (const input of task.dependencies) expect(input.state, `${task.key} needs ${input.key}`).toBe('memory');
      }
      for (const holder of task.holders) {
        expect(workers.has(holder)).toBe(true);
        expect(this.held.get(holder)!.get(task.key), `${holder.name} holds ${task.key}`).toBe(task.attempt);
      }
    }
    for (const [name, prefix] of prefixes) {
      expect([...prefix.counts], `counts of ${name}`).toEqual(counts.get(name));
      const inMemory = [...tasks.values()].filter((task) => task.prefix === prefix && task.state === 'memory');
      expect(prefix.nbytes).toBe(inMemory.length * 10);
    }
    for (const [worker, held] of this.held) {
      const known = [...worker.holds].map((task) => task.key).sort();
      expect([...held.keys()].sort(), `${worker.name} holds nothing unknown`).toEqual(known);
      expect(worker.nbytes).toBe(known.length * 10);
    }
    for (const [worker, ops] of this.doing) {
      expect([...ops.keys()].sort()).toEqual([...worker.processing].map((task) => task.key).sort());
    }
  }

  #deliver(worker: WorkerState, operation: ToWorker): void {
    if (operation.op === 'compute') {
      this.doing.get(worker)?.set(operation.key, operation);
    } else if (operation.op === 'drop') {
      const ops = this.doing.get(worker);
      if (ops?.get(operation.key)?.attempt === operation.attempt) ops.delete(operation.key);
      const held = this.held.get(worker);
      if (held?.get(operation.key) === operation.attempt) held.delete(operation.key);
    }
  }
}

describe('Scheduler', () => {
  it('queues what no thread is free for, and runs it in order', () => {
    const world = new World();
    world.addWorker('0');
    const tasks = Array.from({ length: 5 }, (_, i) => world.submit(`a${i}`));
    expect(tasks.map((task) => task.state)).toEqual(['processing', 'processing', 'queued', 'queued', 'queued']);
    world.run();
    expect(world.finishedRuns).toEqual(['a0', 'a1', 'a2', 'a3', 'a4']);
  });

  it('waits without workers in no-worker', () => {
    const world = new World();
    const any = world.submit('a0');
    const only = world.submit('b0', [], { workers: new Set(['1']) });
    world.addWorker('0');
    expect([any.state, only.state]).toEqual(['processing', 'no-worker']);
    world.addWorker('1');
    expect(only.worker?.name).toBe('1');
  });

  it('gives no new tasks to a paused worker', () => {
    const world = new World();
    const worker = world.addWorker('0');
    world.scheduler.setStatus(worker, 'paused');
    const task = world.submit('a0');
    expect(task.state).toBe('no-worker');
    world.scheduler.setStatus(worker, 'running');
    expect(task.state).toBe('processing');
  });

  it('runs what erred again, with what it erred by and what erred by it, and what it needs that is gone', () => {
    const world = new World();
    world.addWorker('a');
    const a = world.submit('a0');
    const b = world.submit('b0', ['a0']);
    const [c, d] = [world.submit('c0', ['b0']), world.submit('d0', ['b0', 'a0'])];
    world.scheduler.release(a);
    world.step();
    world.step(0, 'erred');
    expect([b, c, d].map((task) => task.state)).toEqual(['erred', 'erred', 'erred']);
    // Nobody needed it any more.
    expect(a.state).toBe('released');
    expect([...world.scheduler.retry(c)]).toEqual([b, c, d]);
    world.check();
    world.run();
    world.check();
    expect([b, c, d].map((task) => task.state)).toEqual(['memory', 'memory', 'memory']);
    expect(world.finishedRuns).toEqual(['a0', 'b0', 'a0', 'b0', 'c0', 'd0']);
    expect(world.scheduler.retry(c).size).toBe(0);
  });

  it('runs what has finished again, with what it needs that is gone, and keeps what was made of it', () => {
    const world = new World();
    const worker = world.addWorker('0', 2);
    const rerun = (target: string): string => actOn(world.scheduler, { name: 'rerun-task', target });
    const [a, b, c] = [world.submit('a0'), world.submit('b0', ['a0']), world.submit('c0', ['b0'])];
    world.scheduler.release(a);
    world.run();
    const [d, e] = [world.submit('d0', ['b0']), world.submit('e0')];
    const f = world.submit('f0', ['b0', 'e0']);
    expect([a, b, c, d, e, f].map((task) => task.state)).toEqual([
      'released',
      'memory',
      'memory',
      'processing',
      'processing',
      'waiting',
    ]);
    const { attempt } = d;
    expect(rerun('b0')).toBe(
      'its result was dropped, and it runs again with 1 that it needs; 1 that had its result wait for it again',
    );
    world.check();
    expect([a, b, c, d, f].map((task) => task.state)).toEqual([
      'processing',
      'waiting',
      'memory',
      'waiting',
      'waiting',
    ]);
    expect(() => rerun('a0')).toThrow('it is running');
    expect(() => rerun('d0')).toThrow('it waits for what it needs');
    world.run();
    world.check();
    expect([a, b, c, d, e, f].map((task) => task.state)).toEqual([
      'released',
      'memory',
      'memory',
      'memory',
      'memory',
      'memory',
    ]);
    expect(d.attempt).toBeGreaterThan(attempt);
    expect(world.finishedRuns.join(' ')).toBe('a0 b0 c0 e0 a0 b0 d0 f0');
    expect(world.held.get(worker)!.size).toBe(5);
    expect(() => rerun('a0')).toThrow('nobody needs its result');
    expect(() => rerun('z0')).toThrow('no task of that key');
  });

  it('stops what runs and begins it anew, and leaves alone what could not be computed', () => {
    const world = new World();
    const worker = world.addWorker('0', 2);
    const act = (name: 'rerun-task' | 'restart-task', target: string): string =>
      actOn(world.scheduler, { name, target });
    const [a, b] = [world.submit('a0'), world.submit('b0', ['a0'])];
    const { attempt } = a;
    expect(act('restart-task', 'a0')).toBe('it was stopped and begins anew');
    world.check();
    expect(a.state).toBe('processing');
    expect(a.attempt).toBeGreaterThan(attempt);
    // What its first run still says is not heard.
    const late = { key: 'a0', attempt, thread: 1, startstops: [], nbytes: 1, type: '' } as const;
    world.scheduler.finished(worker, { op: 'finished', ...late });
    expect(a.state).toBe('processing');
    world.run();
    expect(b.state).toBe('memory');
    expect(() => act('restart-task', 'a0')).toThrow('it has finished');
    act('rerun-task', 'a0');
    world.step(0, 'erred');
    expect([a.state, b.state]).toEqual(['erred', 'memory']);
    expect(() => act('rerun-task', 'a0')).toThrow('it has erred');
    expect(() => act('rerun-task', 'b0')).toThrow('something that it needs has erred');
    expect(b.state).toBe('memory');
    world.check();
  });

  it('errs what depends on an erred task without running it', () => {
    const world = new World();
    world.addWorker('0');
    const [a, b, c] = [world.submit('a0'), world.submit('b0', ['a0']), world.submit('c0', ['b0'])];
    world.step(0, 'erred');
    expect([a, b, c].map((task) => task.state)).toEqual(['erred', 'erred', 'erred']);
    expect(c.failure?.key).toBe('a0');
    expect(world.submit('d0', ['c0']).state).toBe('erred');
    expect(world.finishedRuns).toEqual(['a0']);
  });

  it('runs a task again as often as it may fail', () => {
    const world = new World();
    world.addWorker('0');
    const task = world.submit('a0', [], { retries: 2 });
    for (const state of ['processing', 'processing', 'erred']) {
      world.step(0, 'erred');
      expect(task.state).toBe(state);
    }
  });

  it('computes lost results again, and gives a task up after its fourth dead worker', () => {
    const world = new World();
    const first = world.addWorker('0');
    const [a, b] = [world.submit('a0'), world.submit('b0', ['a0'])];
    world.scheduler.release(a);
    world.step();
    expect([a.state, b.state]).toEqual(['memory', 'processing']);
    world.kill(first);
    expect([a.state, b.state]).toEqual(['no-worker', 'waiting']);
    for (let death = 0; death < 4; death++) world.kill(world.addWorker('again'));
    expect([a.state, b.state]).toEqual(['erred', 'erred']);
    expect(b.failure).toMatchObject({ code: 'KILLED_WORKER', key: 'a0' });
    world.check();
  });

  it('runs a task where its large input is, and elsewhere when that is busy for longer than the way takes', () => {
    const world = new World();
    const [one, two] = [world.addWorker('1', 2), world.addWorker('2', 2)];
    const input = world.submit('in0');
    const home = input.worker!;
    world.step();
    input.nbytes = 1e9;
    const near = world.submit('a0', ['in0']);
    expect(near.worker).toBe(home);
    input.nbytes = 10;
    const spread = Array.from({ length: 3 }, (_, i) => world.submit(`b${i}`, ['in0']));
    expect(new Set(spread.map((task) => task.worker))).toEqual(new Set([one, two]));
  });

  it('cancels what depends on a cancelled task as well', () => {
    const world = new World();
    world.addWorker('0');
    const [a, b] = [world.submit('a0'), world.submit('b0', ['a0'])];
    world.scheduler.cancel([a]);
    expect([a.state, b.state]).toEqual(['forgotten', 'forgotten']);
    expect(world.scheduler.tasks.size).toBe(0);
    world.check();
  });

  it('has no transition to a state that does not exist', () => {
    const states = [...SCHEDULER_STATES, 'forgotten'];
    for (const pair of Object.keys(TRANSITIONS)) {
      for (const state of pair.split('>')) expect(states).toContain(state);
    }
  });

  const event = fc.record({
    do: fc.constantFrom(
      'submit',
      'submit',
      'submit',
      'step',
      'step',
      'step',
      'err',
      'retry',
      'rerun',
      'release',
      'cancel',
      'kill',
      'add',
      'pause',
      'copy',
      'miss',
    ),
    pick: fc.nat(1000),
    inputs: fc.array(fc.nat(1000), { maxLength: 3 }),
  });

  it('keeps its books in order whatever happens, and finishes', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60, size: 'max' }), (events) => {
        const world = new World();
        world.addWorker('0', 2);
        let submitted = 0;
        const held: Task[] = [];
        const alive = () => held.filter((task) => task.state !== 'forgotten' && task.wanted > 0);
        const one = <T>(list: readonly T[], pick: number): T | undefined => list[pick % Math.max(list.length, 1)];
        for (const { do: what, pick, inputs } of events) {
          const workers = [...world.scheduler.workers];
          if (what === 'submit') {
            const keys = new Set(inputs.map((i) => one(alive(), i)?.key).filter((key) => key !== undefined));
            held.push(world.submit(`${'abc'[pick % 3]}${submitted++}`, [...keys], { retries: pick % 2 }));
          } else if (what === 'step') world.step(pick);
          else if (what === 'err') world.step(pick, 'erred');
          else if (what === 'retry') {
            const erred = [...world.scheduler.tasks.values()].filter((task) => task.state === 'erred');
            if (erred.length > 0) world.scheduler.retry(erred[pick % erred.length]!);
          } else if (what === 'rerun') {
            const ran = [...world.scheduler.tasks.values()].filter(
              ({ state }) => state === 'memory' || state === 'processing',
            );
            if (ran.length > 0) world.scheduler.rerun(ran[pick % ran.length]!);
          } else if (what === 'release' || what === 'cancel') {
            const task = one(alive(), pick);
            if (task !== undefined && what === 'release') world.scheduler.release(task);
            else if (task !== undefined) world.scheduler.cancel([task]);
          } else if (what === 'copy' || what === 'miss') {
            const worker = one(workers, pick);
            const result = one(
              [...world.scheduler.tasks.values()].filter((task) => task.state === 'memory'),
              inputs.length,
            );
            const op = worker && one([...world.doing.get(worker)!.values()], pick);
            if (what === 'copy' && worker && result) world.copy(result, worker);
            if (what === 'miss' && worker && op) world.miss(worker, op);
          } else if (what === 'add') world.addWorker(`w${pick}`, 1 + (pick % 3));
          else if (workers.length > 0 && what === 'kill') world.kill(one(workers, pick)!);
          else if (workers.length > 0) {
            const worker = one(workers, pick)!;
            world.scheduler.setStatus(worker, worker.status === 'paused' ? 'running' : 'paused');
          }
          world.check();
        }
        for (const worker of world.scheduler.workers) world.scheduler.setStatus(worker, 'running');
        world.addWorker('last');
        world.run();
        world.check();
        for (const task of alive()) expect(['memory', 'erred']).toContain(task.state);
        for (const task of alive()) world.scheduler.release(task);
        world.check();
        expect(world.scheduler.tasks.size, 'nothing is left when nobody wants anything').toBe(0);
        const prefixes = [...world.scheduler.prefixes.values()];
        for (const prefix of prefixes) expect([...prefix.counts]).toEqual(SCHEDULER_STATES.map(() => 0));
      }),
      { numRuns: 200 },
    );
  });
});
