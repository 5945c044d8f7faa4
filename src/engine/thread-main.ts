import { inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { constants, Script } from 'node:vm';
import { threadId } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { monotonic } from './clock.ts';
import type { FunctionDefinition } from './functions/function-ref.ts';
import type { RemoteError, ThreadJob, ThreadResult } from './protocol.ts';
import { mapNested } from './worker/nested.ts';

/** The entry point of a pool thread: runs one task at a time. */

type Callable = (...args: unknown[]) => unknown;

/** Functions this thread has met. Bounded: a program that makes functions for ever must not fill the memory. */
const functions = new Map<string, Callable>();
const MOST_FUNCTIONS = 1000;

/** From here on moving a result is cheaper than copying it. */
const MOVE_BYTES = 16_384;

// esbuild-based loaders (tsx and others) wrap named inner functions in this helper.
Object.defineProperty(globalThis, '__name', { value: (fn: unknown) => fn, configurable: true });

/** The names of this thread's global scope. */
export function globals(): string[] {
  return Object.getOwnPropertyNames(globalThis);
}

export async function runTask(job: ThreadJob): Promise<ThreadResult> {
  let start = monotonic();
  try {
    const fn = functions.get(job.functionId) ?? (await load(job.functionId, job.definition));
    const args = readArguments(job);
    start = monotonic();
    const value: unknown = await fn(...args);
    const stop = monotonic();
    const data = serialize(value);
    const result: ThreadResult = { ok: true, data, type: typeName(value), thread: threadId, start, stop };
    return data.byteLength >= MOVE_BYTES ? movable(result, data) : result;
  } catch (error) {
    return { ok: false, error: describe(error), thread: threadId, start, stop: monotonic() };
  }
}

async function load(id: string, definition: FunctionDefinition): Promise<Callable> {
  const value =
    definition.kind === 'source'
      ? compile(definition.name, definition.text)
      : ((await import(definition.url)) as Record<string, unknown>)[definition.exportName];
  if (typeof value !== 'function') {
    throw new TypeError(`${definition.name} is not an exported function of its module`);
  }
  if (functions.size >= MOST_FUNCTIONS) functions.delete(functions.keys().next().value!);
  functions.set(id, value as Callable);
  return value as Callable;
}

/** Strict, as the module it comes from was, and under a file name that makes its stack readable. */
function compile(name: string, text: string): unknown {
  const script = new Script(`'use strict'; (${text}\n)`, {
    filename: `task:${name === '' ? 'lambda' : name}`,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  return script.runInThisContext();
}

function readArguments(job: ThreadJob): unknown[] {
  const args = deserialize(job.args) as unknown[];
  if (job.inputs.length === 0) return args;
  const inputs = new Map(job.inputs.map((data, i) => [job.token + i, deserialize(data) as unknown]));
  return mapNested(args, (leaf) =>
    typeof leaf === 'string' && inputs.has(leaf) ? inputs.get(leaf) : leaf,
  ) as unknown[];
}

function movable(result: ThreadResult, data: Buffer): ThreadResult {
  // Piscina looks for these two symbols on what a task returns.
  return move({ [transferableSymbol]: [data.buffer], [valueSymbol]: result }) as unknown as ThreadResult;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === 'string' && name !== '' ? name.slice(0, 100) : 'Object';
}

const MOST_TEXT = 100_000;

function describe(error: unknown): RemoteError {
  if (!(error instanceof Error)) {
    const message = typeof error === 'string' ? error : inspect(error);
    return { name: 'Error', message: message.slice(0, MOST_TEXT), stack: message.slice(0, MOST_TEXT) };
  }
  const { code } = error as { code?: unknown };
  return {
    name: String(error.name),
    message: String(error.message).slice(0, MOST_TEXT),
    stack: withoutOurs(inspect(error)).slice(0, MOST_TEXT),
    ...(typeof code === 'string' ? { code } : {}),
  };
}

/** Leaves out the frames of this file and of the pool: they are the same for every task. */
function withoutOurs(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => !/^\s+at .*(thread-main\.js|node_modules[\\/]piscina|node:internal)/.test(line))
    .join('\n');
}
