import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ERRORS } from '../base/errors.ts';
import { DEBUG_ROUTES } from './routes/debug-routes.ts';
import { openApi } from './routes/openapi.ts';
import { Serving } from './serving.fixture.ts';

const doc = (name: string): URL => new URL(`../../docs/${name}`, import.meta.url);

const HEAD = `# Errors

Every error that a user can meet, in one table. The code is stable; the command prints it as \`error CODE: title: detail\`, the HTTP API gives it in a problem
document ([http-api.md](http-api.md)). Made from \`src/base/errors.ts\` by \`npx vitest run src/server/docs.test.ts -u\`.

| code | HTTP status | what it says | what to do |
|---|---|---|---|
`;

/** docs/errors.md is made from the table, so it says what is true now. `-u` writes it anew. */
test('docs/errors.md is the table of errors', async () => {
  const rows = Object.entries(ERRORS).map(([code, { status, title, advice }]) => {
    const cells = [`\`${code}\``, status, title, advice].map((cell) => String(cell).replaceAll('|', '\\|'));
    return `| ${cells.join(' | ')} |\n`;
  });
  await expect(HEAD + rows.join('')).toMatchFileSnapshot(doc('errors.md').pathname);
});

test('docs/http-api.md names every address and parameter', async () => {
  const text = await readFile(doc('http-api.md'), 'utf8');
  const { paths } = openApi('0', '') as { paths: Record<string, Record<string, { parameters?: { name: string }[] }>> };
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { parameters = [] }] of Object.entries(operations)) {
      if (method === 'servers') continue;
      const whole = DEBUG_ROUTES.some((route) => route.path === path) ? path : `/api/v1${path}`;
      const row = text.split('\n').find((line) => line.startsWith(`| \`${method.toUpperCase()} ${whole}\``));
      expect(row, `${method} ${path}`).toBeDefined();
      for (const { name } of parameters) expect(row, name).toMatch(new RegExp(`[\`{]${name}[\`}]`));
    }
  }
  const named = [...text.matchAll(/^\| `(GET|POST|DELETE) \/api\/v1(\/[^`]*)`/gm)].map(
    ([, method, path]) => `${method} ${path}`,
  );
  const described = Object.entries(paths)
    .filter(([path]) => !DEBUG_ROUTES.some((route) => route.path === path))
    .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`));
  const there = new Set([...described, 'GET /live', 'GET /openapi.json', 'GET /actions', 'POST /actions/{name}']);
  expect(named.sort()).toEqual([...there].sort());
});

test('docs/http-api.md names every metric of ours', async () => {
  await using serving = await Serving.start();
  const text = await readFile(doc('http-api.md'), 'utf8');
  const metrics = await (await serving.fetch('/metrics')).text();
  const ours = new Set([...metrics.matchAll(/^# TYPE (taskglass_\w+)/gm)].map(([, name]) => name));
  expect(new Set(text.match(/taskglass_\w+/g))).toEqual(ours);
});
