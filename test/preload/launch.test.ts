import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { DASK_VERSIONS } from '../../scripts/lib/python.mjs';
import { Certificates } from '../support/certificates.ts';
import { until } from '../support/until.ts';
import { gone, NODE_PID, Preloaded, read } from './preloaded.ts';

interface Info {
  readonly services: Record<string, number>;
  readonly workers: Record<string, { readonly services: Record<string, number> }>;
}

interface RecordingList {
  readonly recording: boolean;
  readonly recordings: readonly { readonly address: string; readonly live: boolean }[];
}

const INFO = 'client.sync(client.scheduler.identity)';

describe.each(DASK_VERSIONS)('a scheduler with the preload, Dask %s', (version) => {
  test('has our pages where its dashboard was, lists every port, and ends with them', async () => {
    await using dask = await Preloaded.start({ version });
    await dask.worker();
    const client = await dask.client();

    const { services, workers } = await client.run<Info>(INFO);
    expect(services).toEqual({
      dashboard: dask.port,
      bokeh: expect.any(Number),
      'taskglass-debug': expect.any(Number),
    });
    const [worker] = Object.values(workers);
    expect(worker?.services).toMatchObject({ 'taskglass-debug': expect.any(Number) });

    // The link leads to our page, and that is connected to this scheduler.
    const link = await client.run<string>('client.dashboard_link');
    expect(link).toBe(`http://127.0.0.1:${dask.port}/status`);
    expect(await read(link)).toContain('<title>Taskglass</title>');
    await until('the page to be connected', async () => {
      const cluster = JSON.parse(await read(new URL('/api/v1/cluster', link)));
      expect(cluster).toMatchObject({ link: 'connected', address: dask.address, workers: 1 });
      return true;
    });
    expect((await dask.announced()).href).toBe(link);

    // What happens is written down, as with the command.
    await until('the recording', async () => {
      const list = JSON.parse(await read(new URL('/api/v1/recordings', link))) as RecordingList;
      return list.recording && list.recordings.some(({ address, live }) => live && address === dask.address);
    });

    // All that Dask itself serves is where the log says.
    const moved = `Dask's own pages have moved from port ${dask.port} to ${services.bokeh}`;
    expect(dask.scheduler.output).toContain(moved);
    expect(await read(`http://127.0.0.1:${services.bokeh}/health`)).toBe('ok');

    // The debug pages of both processes.
    for (const port of [services['taskglass-debug'], worker?.services['taskglass-debug']]) {
      expect(JSON.parse(await read(`http://127.0.0.1:${port}/api/v1/debug`))).toMatchObject({ engine: 'dask' });
    }

    // Node dies: the scheduler says so, works on, and has it back at the same port.
    const pid = await client.run<number>(NODE_PID);
    process.kill(pid, 'SIGKILL');
    await dask.scheduler.printed(/the web server was ended by SIGKILL; starting it again in 1 s/);
    expect(await client.run('client.submit(inc, 1).result()')).toBe(2);
    expect(await read(link)).toContain('<title>Taskglass</title>');
    const restarted = await client.run<number>(NODE_PID);
    expect(restarted).not.toBe(pid);

    // The scheduler dies, without a chance to say goodbye: Node goes too.
    dask.scheduler.signal('SIGKILL');
    await gone(restarted);
    await expect(fetch(link)).rejects.toThrow();
  });
});

test("somebody else's port is left alone: the next free one from 8790 up, and the log says which", async () => {
  await using other = await taken();
  await using dask = await Preloaded.start({ port: other.port });
  const url = await dask.announced();
  expect(Number(url.port)).toBeGreaterThanOrEqual(8790);
  expect(dask.scheduler.output).toContain(`port ${other.port} is taken; using ${url.port}`);
  expect(await read(url)).toContain('<title>Taskglass</title>');
  const client = await dask.client();
  expect(await client.run('client.dashboard_link')).toBe(url.href);
});

test("--taskglass-keep-bokeh leaves Dask's own pages where they are; nothing complains to the end", async () => {
  await using dask = await Preloaded.start({ args: ['--taskglass-keep-bokeh', '--taskglass-no-record'] });
  const url = await dask.announced();
  expect(Number(url.port)).toBeGreaterThanOrEqual(8790);
  expect(dask.scheduler.output).toContain(`port ${dask.port} is left to Dask's own pages; using ${url.port}`);
  expect(await read(`http://127.0.0.1:${dask.port}/health`)).toBe('ok');
  const client = await dask.client();
  const { services } = await client.run<Info>(INFO);
  expect(services).toMatchObject({ dashboard: Number(url.port), bokeh: dask.port });
  expect(JSON.parse(await read(new URL('/api/v1/recordings', url)))).toMatchObject({ recording: false });

  const pid = await client.run<number>(NODE_PID);
  dask.scheduler.signal('SIGTERM');
  await dask.scheduler.ended();
  await gone(pid);
  expect(dask.scheduler.output).toContain('End scheduler');
  expect(dask.scheduler.output).not.toMatch(/WARNING|ERROR|Traceback/);
});

describe('a Node that is not there or does not work', () => {
  test('changes nothing, and the log says what to do', async () => {
    await using dask = await Preloaded.start({ env: { DASK_TASKGLASS__NODE: '/nowhere/node' } });
    await dask.scheduler.printed(
      /WARNING - Taskglass UI is not started: Node 20\.19 or newer is needed, and \/nowhere\/node/,
    );
    const client = await dask.client();
    expect(await client.run<Info>(INFO)).toMatchObject({ services: { dashboard: dask.port } });
    expect(await read(`http://127.0.0.1:${dask.port}/health`)).toBe('ok');
  });

  test("that ends at once, again and again, is given up; Dask's own pages get their port back", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'taskglass-node-'));
    const node = path.join(folder, 'node');
    writeFileSync(
      node,
      '#!/bin/sh\nif [ "$1" = --version ]; then echo v22.0.0; exit; fi\necho "Error: broken" >&2\nexit 3\n',
    );
    chmodSync(node, 0o755);
    await using dask = await Preloaded.start({ args: ['--taskglass-node', node] });
    await dask.scheduler.printed(
      /Taskglass UI could not be started: Node ended with status 3 \(Error: broken\); Dask's own pages are at port (\d+)/,
    );
    expect(await read(`http://127.0.0.1:${dask.port}/health`)).toBe('ok');
    const client = await dask.client();
    const { services } = await client.run<Info>(INFO);
    expect(services).toEqual({ dashboard: dask.port, 'taskglass-debug': expect.any(Number) });
    rmSync(folder, { recursive: true });
  });
});

test('beyond loopback everyone needs the token that the scheduler made, and workers have asked it for that', async () => {
  await using dask = await Preloaded.start({ host: '0.0.0.0', args: ['--taskglass-host', '0.0.0.0'] });
  const url = await dask.announced();
  const token = url.searchParams.get('token') ?? '';
  expect(token).toMatch(/^[\w-]{32}$/);
  await dask.worker(['--taskglass-host', '0.0.0.0', '--taskglass-debug-port', '0']);
  const client = await dask.client();
  const { services, workers } = await client.run<Info>(INFO);
  const [workerAddress = '', worker] = Object.entries(workers)[0]!;
  for (const origin of [
    url.origin,
    `http://${url.hostname}:${services['taskglass-debug']}`,
    `http://${new URL(workerAddress.replace('tcp:', 'http:')).hostname}:${worker?.services['taskglass-debug']}`,
  ]) {
    const api = new URL(origin === url.origin ? '/api/v1/cluster' : '/api/v1/debug', origin);
    expect((await fetch(api)).status).toBe(401);
    await read(api, { authorization: `Bearer ${token}` });
  }
});

test('a scheduler at an address of its own leads on from there, and shows nothing there', async () => {
  await using dask = await Preloaded.start({ host: '0.0.0.0' });
  await dask.announced();
  const client = await dask.client();
  const link = await client.run<string>('client.dashboard_link');
  // On a machine without a network this is loopback, and the page itself.
  expect(await read(link)).toContain('<title>Taskglass</title>');
  if (new URL(link).hostname === '127.0.0.1') return;
  const elsewhere = await fetch(new URL('/api/v1/cluster', link));
  expect(elsewhere.status).toBe(403);
  expect(await elsewhere.text()).toContain(`ssh -L ${dask.port}:localhost:${dask.port}`);
});

test('a scheduler that speaks TLS hands its certificates on', async () => {
  using certificates = new Certificates();
  const scheduler = certificates.issue('scheduler');
  const env = {
    DASK_DISTRIBUTED__COMM__TLS__CA_FILE: certificates.caFile,
    DASK_DISTRIBUTED__COMM__TLS__SCHEDULER__CERT: scheduler.cert,
    DASK_DISTRIBUTED__COMM__TLS__SCHEDULER__KEY: scheduler.key,
    DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION: 'True',
  };
  await using dask = await Preloaded.start({ protocol: 'tls', env });
  const url = await dask.announced();
  await until('the page to be connected', async () => {
    const cluster = JSON.parse(await read(new URL('/api/v1/cluster', url)));
    return cluster.link === 'connected' && cluster.address === dask.address;
  });
  expect(dask.address).toMatch(/^tls:/);
});

/** A port that somebody else has. */
async function taken(): Promise<AsyncDisposable & { readonly port: number }> {
  const server: Server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}
