import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { AGENT_MODULES, readAgentSource } from './agent-source.ts';

const PACKAGE = new URL('../../../agent/src/taskglass_agent/', import.meta.url);

test('every module of the package is shipped', () => {
  const modules = readdirSync(PACKAGE).filter((name) => name.endsWith('.py') && name !== '__init__.py');
  expect([...AGENT_MODULES].sort()).toEqual(modules.map((name) => name.replace('.py', '')).sort());
});

test.each(AGENT_MODULES)('%s imports by name, from modules that come before it', (name) => {
  const text = readFileSync(new URL(`${name}.py`, PACKAGE), 'utf8');
  const before = AGENT_MODULES.slice(0, AGENT_MODULES.indexOf(name));
  for (const [line, module, names] of text.matchAll(/^\s*from \.(\w*) import (\([^)]*\)|.*)$/gm)) {
    expect(before, line).toContain(module);
    expect(names, 'all share one namespace').not.toMatch(/\bas\b|\*/);
  }
  expect(text).not.toMatch(/\btaskglass_agent\.|import taskglass_agent|from taskglass_agent/);
});

test('what is shipped imports nothing of the package', async () => {
  const text = await readAgentSource();
  expect(text).not.toMatch(/^\s*from \./m);
  expect(text).toContain('\ndef setup(scheduler):');
});
