import type { DebugNode } from '../../model/debug.ts';

/** A node as it is drawn; `left` and `width` are shares of the whole width. */
export interface FlameBox {
  readonly node: DebugNode;
  /** Names from below the root down: they lead to the same place in the next answer too. */
  readonly path: readonly string[];
  readonly depth: number;
  readonly left: number;
  readonly width: number;
  /** True for those above the node that is looked at closely: they are as wide as it. */
  readonly above: boolean;
}

/** Narrower boxes are not drawn, nor what lies below them. */
const NARROWEST = 0.0007;
const MAX_DEPTH = 400;

/** What a node is called among its siblings. */
function nameOf(node: DebugNode): string {
  return `${node.name}\n${node.detail}`;
}

/** The node that a path leads to, or as far down as it leads. */
export function followPath(root: DebugNode, path: readonly string[]): { nodes: DebugNode[]; path: string[] } {
  const nodes = [root];
  const found: string[] = [];
  for (const name of path) {
    const next = nodes.at(-1)!.children.find((child) => nameOf(child) === name);
    if (next === undefined) break;
    nodes.push(next);
    found.push(name);
  }
  return { nodes, path: found };
}

/**
 * Boxes of a call tree, the root at the top, callees under their caller, the widest first. The node at the end of `zoom` takes the whole
 * width. Sorted by depth, then from left to right.
 */
export function flameLayout(root: DebugNode, zoom: readonly string[]): FlameBox[] {
  const { nodes, path } = followPath(root, zoom);
  const boxes: FlameBox[] = nodes
    .slice(0, -1)
    .map((node, depth) => ({ node, path: path.slice(0, depth), depth, left: 0, width: 1, above: true }));
  let level: FlameBox[] = [{ node: nodes.at(-1)!, path, depth: path.length, left: 0, width: 1, above: false }];
  while (level.length > 0) {
    boxes.push(...level);
    level = level.flatMap((box) => (box.depth < MAX_DEPTH ? childBoxes(box) : []));
  }
  return boxes;
}

function childBoxes({ node, path, depth, left, width }: FlameBox): FlameBox[] {
  const sum = node.children.reduce((total, { value }) => total + value, 0);
  // What a process says of itself may not add up: children never leave their caller.
  const whole = Math.max(node.value, sum);
  if (!(whole > 0)) return [];
  const boxes: FlameBox[] = [];
  let at = left;
  for (const child of [...node.children].sort((a, b) => b.value - a.value)) {
    const share = (width * child.value) / whole;
    if (share < NARROWEST) break;
    boxes.push({ node: child, path: [...path, nameOf(child)], depth: depth + 1, left: at, width: share, above: false });
    at += share;
  }
  return boxes;
}

/** The box under a point: `x` a share of the width, `depth` a row. */
export function boxAt(boxes: readonly FlameBox[], x: number, depth: number): number {
  return boxes.findIndex((box) => box.depth === depth && x >= box.left && x < box.left + box.width);
}

export type FlameStep = 'up' | 'down' | 'left' | 'right';

/** Where an arrow key leads from a box; the same box where there is nothing. */
export function stepFrom(boxes: readonly FlameBox[], from: number, step: FlameStep): number {
  const box = boxes[from];
  if (box === undefined) return boxes.length > 0 ? 0 : -1;
  const isChild = (one: FlameBox) =>
    one.depth === box.depth + 1 && one.left >= box.left - 1e-9 && one.left < box.left + box.width;
  const isParent = (one: FlameBox) =>
    one.depth === box.depth - 1 && one.left <= box.left + 1e-9 && one.left + one.width > box.left;
  const found = {
    up: () => boxes.findIndex(isParent),
    down: () => boxes.findIndex(isChild),
    left: () => boxes.findLastIndex((one, i) => i < from && one.depth === box.depth),
    right: () => boxes.findIndex((one, i) => i > from && one.depth === box.depth),
  }[step]();
  return found === -1 ? from : found;
}

/** A function over the whole tree. */
export interface FlameRow {
  readonly name: string;
  readonly detail: string;
  /** With what it called; a function that calls itself counts once. */
  readonly total: number;
  /** Without what it called. */
  readonly self: number;
}

/** The tree as a table, by own time, most first. */
export function flameRows(root: DebugNode): FlameRow[] {
  const rows = new Map<string, { name: string; detail: string; total: number; self: number }>();
  const above = new Set<string>();
  const visit = (node: DebugNode): void => {
    const key = nameOf(node);
    let row = rows.get(key);
    if (row === undefined) {
      row = { name: node.name, detail: node.detail, total: 0, self: 0 };
      rows.set(key, row);
    }
    const outermost = !above.has(key);
    if (outermost) {
      row.total += node.value;
      above.add(key);
    }
    row.self += Math.max(0, node.value - node.children.reduce((sum, { value }) => sum + value, 0));
    for (const child of node.children) visit(child);
    if (outermost) above.delete(key);
  };
  visit(root);
  return [...rows.values()].sort((a, b) => b.self - a.self || b.total - a.total);
}

/** Which of the palette's colours a node has: the same for the same file, whatever else is drawn. */
export function flameColor(node: DebugNode, colors: number): number {
  // Lines of one file are told apart by their text, not by their colour.
  const text = node.detail.replace(/:\d+.*$/, '') || node.name;
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return Math.abs(hash) % colors;
}
