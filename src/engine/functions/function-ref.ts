import { createHash } from 'node:crypto';
import { TaskglassError } from '../../base/errors.ts';
import { checkPortable } from './portable.ts';

/** Any function a task can be made of. Parameters are `never` so that every function is assignable to it. */
export type AnyFunction = (...args: never[]) => unknown;

/** What is sent to a worker: how to get hold of the function there. */
export type FunctionDefinition =
  | { readonly kind: 'source'; readonly name: string; readonly text: string }
  | { readonly kind: 'module'; readonly name: string; readonly url: string; readonly exportName: string };

/** A definition with the name its tasks get and an id that is the same for the same function. */
export interface FunctionRef {
  readonly id: string;
  readonly prefix: string;
  readonly definition: FunctionDefinition;
}

/** An exported function of a module, found by its URL: may use anything that its module imports. */
export class ModuleFunction<F extends AnyFunction = AnyFunction> {
  readonly ref: FunctionRef;
  /** Only for the compiler: the type of the function. */
  declare readonly type: F;

  constructor(url: string, exportName: string) {
    this.ref = {
      id: digest(`module ${url} ${exportName}`),
      prefix: toPrefix(exportName),
      definition: { kind: 'module', name: exportName, url, exportName },
    };
  }
}

/**
 * Names an exported function: `moduleFunction(new URL('./tasks.mjs', import.meta.url), inc)`, or `'inc'` instead of
 * the function where it should not be loaded here.
 *
 * @throws OPTION_INVALID unless the URL is a `file:`, `data:` or `node:` one and the name is not empty.
 */
export function moduleFunction<F extends AnyFunction>(url: URL | string, exported: F): ModuleFunction<F>;
export function moduleFunction<F extends AnyFunction = (...args: unknown[]) => unknown>(
  url: URL | string,
  exported: string,
): ModuleFunction<F>;
export function moduleFunction(url: URL | string, exported: AnyFunction | string): ModuleFunction {
  const href = String(url);
  if (!/^(file|data|node):/.test(href)) {
    throw new TaskglassError('OPTION_INVALID', `moduleFunction: not a file:, data: or node: URL: ${href}`);
  }
  const name = typeof exported === 'string' ? exported : exported.name;
  if (name === '') throw new TaskglassError('OPTION_INVALID', 'moduleFunction: the function has no name');
  return new ModuleFunction(href, name);
}

const known = new WeakMap<AnyFunction, FunctionRef>();

/**
 * The definition of a self-contained function, checked once per function object.
 *
 * @param globals names that exist in a worker's threads
 * @throws FUNCTION_NOT_PORTABLE naming what it uses and could not take along
 */
export function functionRef(fn: AnyFunction | ModuleFunction, globals: ReadonlySet<string>): FunctionRef {
  if (fn instanceof ModuleFunction) return fn.ref;
  if (typeof fn !== 'function') {
    throw new TaskglassError('FUNCTION_NOT_PORTABLE', `a function is needed, not ${fn === null ? 'null' : typeof fn}`);
  }
  let ref = known.get(fn);
  if (ref === undefined) {
    const { name, text } = checkPortable(fn, globals);
    ref = {
      id: digest(`source ${name} ${text}`),
      prefix: toPrefix(name),
      definition: { kind: 'source', name, text },
    };
    known.set(fn, ref);
  }
  return ref;
}

/** The part of a key before its unique end. Like Dask, a function without a name is a `lambda`. */
function toPrefix(name: string): string {
  return name === '' ? 'lambda' : name.slice(0, 100);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
