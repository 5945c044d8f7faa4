import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rawRequest, Serving } from './serving.fixture.ts';

test('who has no token yet may read how to get one, and nothing else', async () => {
  const pageDir = mkdtempSync(join(tmpdir(), 'taskglass-help-'));
  try {
    mkdirSync(join(pageDir, 'help'));
    writeFileSync(join(pageDir, 'index.html'), '<!doctype html>');
    writeFileSync(join(pageDir, 'help', 'troubleshooting.html'), '<h3 id="a-token-is-needed">');
    await using serving = await Serving.start({ token: 'abc', prefix: '/one', pageDir });
    const refused = await serving.fetch('/one/workers/x/debug', { headers: { accept: 'text/html' } });
    expect(refused.status).toBe(401);
    const [, link = ''] = /href="([^"]+)">What to do/.exec(await refused.text()) ?? [];
    const { pathname, hash } = new URL(link, serving.url('/one/workers/x/debug'));
    expect(hash).toBe('#a-token-is-needed');
    const help = await serving.fetch(pathname);
    expect([help.status, help.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await help.text()).toContain(`id="${hash.slice(1)}"`);
    // As they are, not as a browser would tidy them up.
    for (const path of [
      '/one/help/../status',
      '/one/help/%2e%2e/status',
      '/one/help/..%2fapi/v1/cluster',
      '/one/help',
    ]) {
      expect((await rawRequest(serving.port, path)).status, path).toBeOneOf([401, 404]);
    }
  } finally {
    rmSync(pageDir, { recursive: true, force: true });
  }
});
