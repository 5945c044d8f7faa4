import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createServer as createTlsServer, type TlsOptions as ServerOptions } from 'node:tls';
import { afterAll, beforeAll, describe, it, onTestFinished } from 'vitest';
import { TaskglassError } from '../../src/base/errors.ts';
import { DaskSource } from '../../src/source/dask/dask-source.ts';
import { Rpc, type TlsOptions } from '../../src/source/dask/index.ts';
import { RecordingSink } from '../../src/source/recording-sink.ts';
import { type Certificate, Certificates } from '../support/certificates.ts';
import { DASK_VERSIONS, DaskCluster, Driver } from './cluster.ts';

let certificates: Certificates;
let scheduler: Certificate;
let client: Certificate;
/** As Dask's own configuration says it to a scheduler, its workers and its clients. */
let environment: Record<string, string>;

beforeAll(() => {
  certificates = new Certificates();
  scheduler = certificates.issue('scheduler');
  client = certificates.issue('client');
  environment = {
    DASK_DISTRIBUTED__COMM__TLS__CA_FILE: certificates.caFile,
    DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT: client.cert,
    DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY: client.key,
    DASK_DISTRIBUTED__COMM__TLS__SCHEDULER__CERT: scheduler.cert,
    DASK_DISTRIBUTED__COMM__TLS__SCHEDULER__KEY: scheduler.key,
    DASK_DISTRIBUTED__COMM__TLS__WORKER__CERT: scheduler.cert,
    DASK_DISTRIBUTED__COMM__TLS__WORKER__KEY: scheduler.key,
    DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION: 'True',
  };
});
afterAll(() => certificates?.[Symbol.dispose]());

const ours = (): Required<Omit<TlsOptions, 'serverName'>> => ({ caFile: certificates.caFile, ...client });

/** Sets variables of this process until the test has ended. */
function withEnvironment(variables: Record<string, string>): void {
  const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  Object.assign(process.env, variables);
  onTestFinished(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
}

async function refusal(address: string, tls?: TlsOptions): Promise<TaskglassError> {
  const sink = new RecordingSink();
  try {
    await using source = new DaskSource(address, { connectTimeoutMs: 10_000, ...(tls && { tls }) });
    await source.start(sink);
  } catch (error) {
    assert.ok(error instanceof TaskglassError, String(error));
    assert.deepEqual(sink.kinds, [], 'nothing was sent');
    return error;
  }
  throw new Error('it started');
}

async function assertRefused(code: TaskglassError['code'], address: string, tls?: TlsOptions): Promise<void> {
  const error = await refusal(address, tls);
  assert.equal(error.code, code, error.message);
}

describe.each(DASK_VERSIONS)('a cluster with TLS on Dask $version', ({ version, python }) => {
  let cluster: DaskCluster;
  let driver: Driver;
  beforeAll(async () => {
    // The oldest one speaks 1.2 only: there a refused certificate is an error of the handshake itself.
    const oldest = version === '2022.12.1' && { DASK_DISTRIBUTED__COMM__TLS__MAX_VERSION: '1.2' };
    cluster = await DaskCluster.start({ python, protocol: 'tls', env: { ...environment, ...oldest } });
    driver = await Driver.start(python, cluster.address, environment);
    await driver.do('wait_for_workers', { count: 2 });
  }, 60_000);
  afterAll(async () => {
    await driver?.stop();
    await cluster?.stop();
  });

  it('is watched, by files and by PEM texts', async () => {
    const texts = Object.fromEntries(Object.entries(ours()).map(([name, file]) => [name, readFileSync(file, 'utf8')]));
    for (const [i, tls] of [ours(), texts].entries()) {
      const sink = new RecordingSink();
      await using source = new DaskSource(cluster.address, { tls });
      await source.start(sink);
      assert.equal(sink.clusters[0]!.address, cluster.address);
      await sink.until('workers', () => sink.workers.size === 2);
      await driver.do('burst', { count: 50, start: 100 * i });
      await sink.until('records', () => sink.of('quick').length === 50);
    }
    using rpc = new Rpc(cluster.address, { tls: ours() });
    assert.notEqual(await rpc.call('ncores'), null);
  });

  it('is watched with a key that stands in the certificate’s file', async () => {
    const both = path.join(certificates.folder, `both-${version}.pem`);
    writeFileSync(both, readFileSync(client.key, 'utf8') + readFileSync(client.cert, 'utf8'));
    const sink = new RecordingSink();
    await using source = new DaskSource(cluster.address, { tls: { caFile: certificates.caFile, cert: both } });
    await source.start(sink);
    assert.equal(sink.clusters.length, 1);
  });

  it('is watched by what Dask’s own configuration says: environment, then files', async () => {
    const folder = path.join(certificates.folder, `config-${version}`);
    mkdirSync(folder);
    const section = { tls: { 'ca-file': certificates.caFile, client: { cert: client.cert, key: '/nowhere' } } };
    writeFileSync(path.join(folder, 'a.json'), JSON.stringify({ distributed: { comm: section } }));
    writeFileSync(path.join(folder, 'b.yaml'), `distributed:\n  comm:\n    tls:\n      client: {key: ${client.key}}\n`);
    withEnvironment({ DASK_CONFIG: folder });
    for (let round = 0; round < 2; round++) {
      const sink = new RecordingSink();
      await using source = new DaskSource(cluster.address);
      await source.start(sink);
      assert.equal(sink.clusters.length, 1);
      // The second time the files are wrong and the environment is right.
      writeFileSync(path.join(folder, 'b.yaml'), 'distributed: {comm: {tls: {ca-file: /nowhere}}}');
      withEnvironment(environment);
    }
  });

  it('refuses us without a certificate, with one of another CA, with one that has expired', async () => {
    const { caFile } = certificates;
    await assertRefused('TLS_CERT_MISSING', cluster.address, { caFile });
    const stranger = certificates.authority(`stranger-${version}`);
    const foreign = certificates.issue(`foreign-${version}`, { authority: stranger });
    await assertRefused('TLS_CERT_REFUSED', cluster.address, { caFile, ...foreign });
    const old = certificates.issue(`old-${version}`, { expired: true });
    await assertRefused('TLS_EXPIRED', cluster.address, { caFile, ...old });
  });

  it('is refused by us when its certificate is of another CA', async () => {
    const stranger = certificates.authority(`wrong-${version}`);
    await assertRefused('TLS_UNTRUSTED', cluster.address, { ...ours(), caFile: stranger.cert });
  });

  it('is refused by us when its certificate is for another name than the one that we ask for', async () => {
    for (const serverName of ['other.example', '127.0.0.1']) {
      const error = await refusal(cluster.address, { ...ours(), serverName });
      assert.equal(error.code, 'TLS_HOST_MISMATCH', error.message);
      assert.match(error.detail, new RegExp(`^it is for scheduler, not for ${serverName}$`));
    }
    await using source = new DaskSource(cluster.address, { tls: { ...ours(), serverName: 'scheduler' } });
    const sink = new RecordingSink();
    await source.start(sink);
    assert.equal(sink.clusters.length, 1);
  });

  it('is said to speak TLS when it is asked without', async () => {
    await assertRefused('TLS_EXPECTED', cluster.address.replace('tls:', 'tcp:'));
  });

  it('comes back after it was killed', async () => {
    const sink = new RecordingSink();
    await using source = new DaskSource(cluster.address, { tls: ours() });
    await source.start(sink);
    await cluster.killScheduler();
    await sink.until('lost', () => sink.links.at(-1)?.state === 'lost', 5_000);
    cluster.log = '';
    await cluster.startScheduler();
    await sink.until('connected again', () => sink.links.at(-1)?.state === 'connected', 30_000);
    assert.equal(sink.clusters.length, 2);
  });
});

describe('what cannot work is said', () => {
  it('a scheduler that does not speak TLS', async () => {
    await using cluster = await DaskCluster.start({ python: DASK_VERSIONS[0].python, workers: 0 });
    await assertRefused('TLS_NOT_SPOKEN', cluster.address.replace('tcp:', 'tls:'), ours());
  });

  it('a certificate of the other side that has expired, or a protocol that is too old', async () => {
    const old = certificates.issue('old-server', { expired: true });
    const server = (options: ServerOptions) => createTlsServer(options).listen(0, '127.0.0.1');
    const files = ({ cert, key }: Certificate) => ({ cert: readFileSync(cert), key: readFileSync(key) });
    const cases: readonly (readonly [TaskglassError['code'], ServerOptions])[] = [
      ['TLS_EXPIRED', files(old)],
      ['TLS_FAILED', { ...files(scheduler), minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }],
    ];
    for (const [code, options] of cases) {
      const listening = server(options).on('tlsClientError', () => {});
      await once(listening, 'listening');
      await assertRefused(code, `tls://127.0.0.1:${(listening.address() as AddressInfo).port}`, ours());
      listening.close();
    }
  });

  it('a web server with TLS', async () => {
    const web = createHttpsServer({ cert: readFileSync(scheduler.cert), key: readFileSync(scheduler.key) });
    web.on('clientError', (_, socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(web, 'listening');
    const { port } = web.address() as AddressInfo;
    await assertRefused('TLS_EXPECTED', `tcp://127.0.0.1:${port}`);
    web.closeAllConnections();
    web.close();
  });

  it('files', async () => {
    const { folder, caFile } = certificates;
    const address = 'tls://127.0.0.1:1';
    const garbage = path.join(folder, 'garbage.pem');
    writeFileSync(garbage, 'no PEM at all');
    await assertRefused('TLS_FILES_MISSING', address);
    await assertRefused('TLS_FILE_UNREADABLE', address, { ...ours(), caFile: path.join(folder, 'absent.pem') });
    await assertRefused('TLS_FILE_UNREADABLE', address, { ...ours(), caFile: garbage });
    await assertRefused('TLS_FILE_UNREADABLE', address, { ...ours(), cert: garbage });
    await assertRefused('TLS_FILE_UNREADABLE', address, { ...ours(), key: folder });
    await assertRefused('TLS_FILE_UNREADABLE', address, { ...ours(), key: garbage });
    await assertRefused('TLS_FILE_UNREADABLE', address, { caFile, cert: client.cert });
    await assertRefused('TLS_KEY_MISMATCH', address, { ...ours(), key: scheduler.key });
    await assertRefused('CONNECTION_REFUSED', address, ours());
    const error = await refusal(address, { ...ours(), key: `${readFileSync(scheduler.key, 'utf8')}` });
    assert.ok(!error.message.includes('PRIVATE'), 'a key is not repeated');
    writeFileSync(path.join(folder, 'broken.yaml'), 'distributed: [');
    withEnvironment({ DASK_CONFIG: path.join(folder, 'broken.yaml') });
    await assertRefused('DASK_CONFIG_INVALID', address);
  });
});
