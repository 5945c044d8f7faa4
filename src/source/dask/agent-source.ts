import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

const BESIDE = new URL('./taskglass_agent/', import.meta.url);
/** In the bundle of the Python package it lies beside; in a checkout and in the npm package, where it is written. */
const PACKAGE = existsSync(BESIDE) ? BESIDE : new URL('../../../agent/src/taskglass_agent/', import.meta.url);

/** The modules of the Python package, each after those that it imports. */
export const AGENT_MODULES: readonly string[] = [
  'limits',
  'tables',
  'farewell',
  'links',
  'records',
  'intake',
  'hook',
  'past',
  'memory',
  'prefixes',
  'running',
  'workers',
  'cost',
  'agent',
];

/** A module of its `actions`, which stands for itself: it is sent when somebody asks for what it does. */
export function readActionSource(name: string): Promise<string> {
  return readFile(new URL(`actions/${name}.py`, PACKAGE), 'utf8');
}

/** `from .module import a, b`, on one line or with its names in parentheses. */
const RELATIVE_IMPORT = /^from \.\w+ import (?:\([^)]*\)|.*)\n/gm;

let source: Promise<string> | undefined;

/** The agent as one text: a scheduler has no package to import from. */
export function readAgentSource(): Promise<string> {
  source ??= joinModules();
  return source;
}

async function joinModules(): Promise<string> {
  const texts = await Promise.all(AGENT_MODULES.map((name) => readFile(new URL(`${name}.py`, PACKAGE), 'utf8')));
  return texts.map((text) => text.replace(RELATIVE_IMPORT, '')).join('\n');
}
