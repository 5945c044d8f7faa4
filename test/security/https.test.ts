import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import path from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ScriptedSource } from '../../src/server/scripted-source.fixture.ts';
import { rawRequest, Serving } from '../../src/server/serving.fixture.ts';
import type { AccessOptions } from '../../src/serving/access.ts';
import { stringifyClientMessage } from '../../src/wire/client-message.ts';
import { decode } from '../../src/wire/decode.ts';
import { WIRE_VERSION } from '../../src/wire/message.ts';
import { type Certificate, Certificates } from '../support/certificates.ts';

const TOKEN = 'correct-horse';

let certificates: Certificates;
let own: Certificate;
let ca: Buffer;
beforeAll(() => {
  certificates = new Certificates();
  own = certificates.issue('localhost');
  ca = readFileSync(certificates.caFile);
});
afterAll(() => certificates?.[Symbol.dispose]());

/** Verifies the certificate as a browser with that CA does: by the name `localhost`. */
const client = (port: number) => ({ host: '127.0.0.1', port, servername: 'localhost', ca, agent: false }) as const;

async function get(port: number, address: string, headers: Record<string, string> = {}) {
  const asking = request({ ...client(port), path: address, headers: { host: `localhost:${port}`, ...headers } });
  asking.end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

const over = (access: AccessOptions, token?: string): Promise<Serving> =>
  Serving.start({ access, ...(token !== undefined && { token }) });

test('pages, the API, the login and the live socket, to a client that knows the CA', async () => {
  await using serving = await over({ httpsCert: own.cert, httpsKey: own.key }, TOKEN);
  const { port } = serving;
  expect(serving.server.url).toBe(`https://127.0.0.1:${port}/status?token=${TOKEN}`);
  expect((await get(port, '/status')).status).toBe(401);
  const login = await get(port, `/status?token=${TOKEN}`, { accept: 'text/html' });
  const [cookie = ''] = login.headers['set-cookie'] ?? [];
  expect([login.status, cookie]).toEqual([303, expect.stringMatching(/; HttpOnly; SameSite=Strict; Secure$/)]);
  const headers = { cookie: cookie.split(';', 1)[0]! };
  const page = await get(port, '/status', headers);
  expect([page.status, page.body]).toEqual([200, expect.stringContaining('./assets/')]);
  expect(JSON.parse((await get(port, '/api/v1/cluster', headers)).body)).toMatchObject({ engine: 'dask' });

  const live = (origin: string) =>
    new WebSocket(`wss://localhost:${port}/api/v1/live`, { ...client(port), headers: { ...headers, origin } });
  const socket = live(`https://localhost:${port}`);
  const first = once(socket, 'message');
  await once(socket, 'open');
  socket.send(stringifyClientMessage({ kind: 'hello', version: WIRE_VERSION }));
  expect(decode(new Uint8Array((await first)[0] as Buffer))).toMatchObject({ kind: 'hello' });
  socket.terminate();
  const foreign = live(`http://localhost:${port}`);
  await expect(once(foreign, 'open')).rejects.toThrow('403');
});

test('a client that does not know the CA, old versions of TLS and plain text get nowhere', async () => {
  await using serving = await over({ httpsCert: own.cert, httpsKey: own.key });
  const { port } = serving;
  const stranger = request({ ...client(port), ca: undefined, path: '/health' });
  stranger.end();
  await expect(once(stranger, 'response')).rejects.toThrow(/certificate/);
  const old = connect({ ...client(port), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
  await expect(once(old, 'secureConnect')).rejects.toThrow();
  await expect(rawRequest(port, '/health')).rejects.toThrow();
  expect((await get(port, '/health')).status, 'and it goes on').toBe(200);
});

test('a certificate and its key in one file', async () => {
  const both = path.join(certificates.folder, 'both.pem');
  writeFileSync(both, Buffer.concat([readFileSync(own.cert), readFileSync(own.key)]));
  await using serving = await over({ httpsCert: both });
  expect((await get(serving.port, '/health')).status).toBe(200);
});

describe('what is wrong is said before anything is served', () => {
  const refused = async (access: AccessOptions): Promise<unknown> => {
    const source = new ScriptedSource();
    const error = await Serving.start({ access }, source).catch((reason: unknown) => reason);
    return error instanceof Error ? error : null;
  };
  test('a file that is missing', async () => {
    const httpsCert = path.join(certificates.folder, 'none.pem');
    expect(await refused({ httpsCert })).toMatchObject({
      code: 'HTTPS_FILE_UNREADABLE',
      detail: expect.stringContaining('ENOENT'),
    });
  });
  test('a file that is no certificate, or holds no key', async () => {
    const text = path.join(certificates.folder, 'text.pem');
    writeFileSync(text, 'neither');
    for (const access of [{ httpsCert: text }, { httpsCert: own.cert }, { httpsCert: own.cert, httpsKey: text }])
      expect(await refused(access)).toMatchObject({ code: 'HTTPS_FILE_UNREADABLE' });
  });
  test("another certificate's key", async () => {
    const other = certificates.issue('other');
    expect(await refused({ httpsCert: own.cert, httpsKey: other.key })).toMatchObject({ code: 'HTTPS_KEY_MISMATCH' });
  });
  test('a certificate that has expired', async () => {
    const old = certificates.issue('old', { expired: true });
    expect(await refused({ httpsCert: old.cert, httpsKey: old.key })).toMatchObject({ code: 'HTTPS_EXPIRED' });
  });
});
