import { type Node, parseExpressionAt } from 'acorn';
import { TaskglassError } from '../../base/errors.ts';
import { type FreeUse, freeNames } from './free-names.ts';
import type { AnyFunction } from './function-ref.ts';

/** A function as text: an expression that gives the function when it is evaluated in any realm. */
export interface PortableFunction {
  readonly name: string;
  readonly text: string;
}

const NATIVE = /\{\s*\[native code\]\s*\}\s*$/;

/**
 * Checks that a function can be sent as its own source text: it uses its parameters, its own variables and
 * globals of a worker, and nothing else.
 *
 * @throws FUNCTION_NOT_PORTABLE with the reason
 */
export function checkPortable(fn: AnyFunction, globals: ReadonlySet<string>): PortableFunction {
  const name = functionName(fn);
  const shown = name === '' ? 'the function' : `"${name}"`;
  const source = Function.prototype.toString.call(fn);
  if (NATIVE.test(source)) {
    const kind = name.startsWith('bound ') ? 'a bound function' : 'native code';
    throw refusal(`${shown} is ${kind}, which has no source text to send`);
  }
  const parsed = parse(source, shown);
  const { node } = parsed;
  if (node.type === 'ClassExpression') throw refusal(`${shown} is a class`);
  if (isGenerator(node)) throw refusal(`${shown} is a generator, whose result cannot be sent back`);
  const free = freeNames(node);
  if (free.usesThis) throw refusal(`${shown} uses "this" or "super", which it does not have in another process`);
  const strange = free.uses.filter((use) => !globals.has(use.name));
  if (strange.length > 0) throw refusal(`${shown} uses ${listed(strange)} from around it`);
  return { name, text: parsed.text };
}

function parse(source: string, shown: string): { node: Node; text: string } {
  const own = expression(source);
  if (own !== undefined) return { node: own, text: source };
  // A method's text (`inc(x) {…}`) is no expression of its own; inside an object it is.
  const object = expression(`{${source}}`);
  const method = object === undefined ? undefined : methodOf(object);
  if (method !== undefined) return { node: method, text: `Object.values({${source}})[0]` };
  throw refusal(`the source text of ${shown} is not a function that can be read`);
}

/** The whole text as one expression. */
function expression(text: string): Node | undefined {
  try {
    const root = parseExpressionAt(text, 0, { ecmaVersion: 'latest', sourceType: 'module' });
    return root.end === text.length ? root : undefined;
  } catch {
    return undefined;
  }
}

function methodOf(root: Node): Node | undefined {
  const { properties } = root as Node & { properties?: readonly (Node & { kind?: string; value?: Node })[] };
  const property = properties?.[0];
  return properties?.length === 1 && property?.kind === 'init' ? property.value : undefined;
}

function isGenerator(node: Node): boolean {
  return (node as Node & { generator?: boolean }).generator === true;
}

function functionName(fn: AnyFunction): string {
  const name: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
  return typeof name === 'string' ? name : '';
}

function listed(uses: readonly FreeUse[]): string {
  const names = uses.slice(0, 3).map((use) => `"${use.name}"`);
  if (uses.length > names.length) names.push(`${uses.length - names.length} more`);
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function refusal(detail: string): TaskglassError {
  return new TaskglassError('FUNCTION_NOT_PORTABLE', detail);
}
