/**
 * Values inside arrays, plain objects, maps and sets, at any depth and in circles too. Anything else (class
 * instances, buffers, dates) is a leaf.
 */

type Container = unknown[] | Record<string, unknown> | Map<unknown, unknown> | Set<unknown>;

function isContainer(value: unknown): value is Container {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value) || value instanceof Map || value instanceof Set) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * A copy of `value` with every leaf replaced by `replace(leaf)`. Containers are copied only once each, so shared
 * and circular references stay as they are.
 */
export function mapNested(value: unknown, replace: (leaf: unknown) => unknown): unknown {
  const copies = new Map<unknown, unknown>();
  const copy = (node: unknown): unknown => {
    if (!isContainer(node)) return replace(node);
    const done = copies.get(node);
    if (done !== undefined) return done;
    if (Array.isArray(node)) {
      const array: unknown[] = new Array(node.length);
      copies.set(node, array);
      for (let i = 0; i < node.length; i++) if (i in node) array[i] = copy(node[i]);
      return array;
    }
    if (node instanceof Map) {
      const map = new Map<unknown, unknown>();
      copies.set(node, map);
      for (const [key, element] of node) map.set(copy(key), copy(element));
      return map;
    }
    if (node instanceof Set) {
      const set = new Set<unknown>();
      copies.set(node, set);
      for (const element of node) set.add(copy(element));
      return set;
    }
    const object: Record<string, unknown> = {};
    copies.set(node, object);
    for (const [key, element] of Object.entries(node)) define(object, key, copy(element));
    return object;
  };
  return copy(value);
}

/** An own property whatever its name is: `__proto__` is a key like any other. */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

/** Whether any leaf inside `value` passes the test. */
export function someNested(value: unknown, test: (leaf: unknown) => boolean): boolean {
  const seen = new Set<unknown>();
  const look = (node: unknown): boolean => {
    if (!isContainer(node)) return test(node);
    if (seen.has(node)) return false;
    seen.add(node);
    if (Array.isArray(node)) return node.some(look);
    if (node instanceof Map) return [...node].some(([key, element]) => look(key) || look(element));
    if (node instanceof Set) return [...node].some(look);
    return Object.values(node).some(look);
  };
  return look(value);
}
