import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../scripts/lib/build.mjs';
import { Child } from '../support/child.ts';
import { freePort } from '../support/ports.ts';
import { readProjectFile } from '../support/project-files.ts';
import { Taskglass } from '../support/taskglass.ts';
import { until } from '../support/until.ts';

beforeAll(() => build());

const CLI = 'dist/cli.js';

async function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ status: number | null; output: string }> {
  await using child = new Child(process.execPath, [CLI, ...args], { env });
  return { status: await child.ended(), output: child.output };
}

/** Something that is no scheduler: it listens and says this to whoever comes. */
async function listener(says: string): Promise<{ server: Server; port: number } & AsyncDisposable> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    if (says !== '') socket.end(says);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}

describe('what is wrong is said in one line with advice, and the status is 1', () => {
  const cases: readonly (readonly [args: string, code: string, detail: RegExp])[] = [
    ['--bogus', 'OPTION_INVALID', /unknown option '--bogus'/],
    ['--port x', 'OPTION_INVALID', /--port .*0 to 65535/],
    ['--port 70000', 'OPTION_INVALID', /0 to 65535/],
    ['--port', 'OPTION_INVALID', /argument missing/],
    ['--port 1 --bokeh-port 2', 'OPTION_INVALID', /as 1 and as 2/],
    ['--dashboard-address nowhere', 'OPTION_INVALID', /:8787 or HOST:8787/],
    ['--log-level loud', 'OPTION_INVALID', /Allowed choices are/],
    ['--prefix /a"b', 'OPTION_INVALID', /prefix/],
    ['tls://127.0.0.1:1 --port 0', 'TLS_FILES_MISSING', /CA/],
    ['tls://127.0.0.1:1 --port 0 --tls-ca-file /nowhere/ca.pem', 'TLS_FILE_UNREADABLE', /ca\.pem/],
    ['tcp://a:1 tcp://a:1', 'OPTION_INVALID', /is given twice/],
    ['demo --workers 0', 'OPTION_INVALID', /1 to 256/],
    ['demo --port 0 --memory-limit lots', 'OPTION_INVALID', /memoryLimit/],
    ['127.0.0.1', 'ADDRESS_INVALID', /no port/],
    ['ftp://127.0.0.1:8786', 'ADDRESS_INVALID', /scheme/],
    ['ucx://127.0.0.1:8786', 'SCHEME_UNSUPPORTED', /ucx/],
    // A secret that was not set; without the option a token is made.
    ['--host 0.0.0.0 --token=', 'EXPOSED_WITHOUT_TOKEN', /0\.0\.0\.0/],
    ['demo --dashboard-address 0.0.0.0:0 --token=', 'EXPOSED_WITHOUT_TOKEN', /0\.0\.0\.0/],
    ['--host 0.0.0.0 --port 0 --token fifteen-letters', 'TOKEN_TOO_SHORT', /16 characters, not 15/],
    ['--token=', 'OPTION_INVALID', /token/],
    ['--https-cert /nowhere/cert.pem', 'HTTPS_FILE_UNREADABLE', /cert\.pem \(ENOENT\)/],
    ['demo --https-cert README.md', 'HTTPS_FILE_UNREADABLE', /README\.md/],
    ['--https-key key.pem', 'OPTION_INVALID', /--https-cert/],
    ['--frame-ancestors *', 'OPTION_INVALID', /frame ancestor/],
    ['--auth-header Cookie', 'OPTION_INVALID', /auth header/],
    ['--trusted-proxy proxy.example', 'OPTION_INVALID', /trusted proxy/],
    ['--host 203.0.113.9 --port 0 --insecure', 'PORT_FORBIDDEN', /203\.0\.113\.9/],
    ['no-such-host.invalid:8786 --port 0', 'HOST_NOT_FOUND', /no-such-host/],
  ];
  test.each(cases.map(([args, code, detail]) => ({ args, code, detail })))(
    'taskglass $args → $code',
    async ({ args, code, detail }) => {
      const { status, output } = await run(args.split(' '));
      const [line = '', advice = '', ...rest] = output.trimEnd().split('\n');
      expect(line).toMatch(new RegExp(`^error ${code}: `));
      expect(line).toMatch(detail);
      expect(advice).not.toBe('');
      // Where there is more to say, it lies on this machine.
      const more = rest.map((line) => /^More: (file:\S+)$/.exec(line)?.[1] ?? line);
      expect(more.filter((address) => !existsSync(fileURLToPath(address)))).toEqual([]);
      expect(more.length).toBeLessThanOrEqual(1);
      expect(status).toBe(1);
    },
  );

  test('nothing listens there', async () => {
    const { status, output } = await run([`127.0.0.1:${await freePort()}`, '--port', '0']);
    expect(output).toMatch(
      /^error CONNECTION_REFUSED: .*\n.*--wait.*\nMore: file:\S+troubleshooting\.html#it-is-not-reached$/m,
    );
    expect(status).toBe(1);
  });

  test('what answers is no scheduler', async () => {
    await using web = await listener('HTTP/1.1 400 Bad Request\r\n\r\n');
    const { status, output } = await run([`127.0.0.1:${web.port}`, '--port', '0']);
    expect(output).toMatch(/^error NOT_A_SCHEDULER: /);
    expect(status).toBe(1);
  });

  test('a port that was asked for is taken', async () => {
    await using other = await listener('');
    const { status, output } = await run(['demo', '--port', String(other.port)]);
    expect(output).toMatch(new RegExp(`^error PORT_TAKEN: .*${other.port}`));
    expect(status).toBe(1);
  });
});

test('help and version are printed, and the status is 0', async () => {
  expect(await run(['--version'])).toEqual({
    status: 0,
    output: `${JSON.parse(readProjectFile('package.json')).version}\n`,
  });
  const help = await run(['--help']);
  expect(help.status).toBe(0);
  expect(help.output).toMatch(/^Usage: taskglass/);
  expect(await run(['demo', '-h'])).toMatchObject({
    status: 0,
    output: expect.stringMatching(/^Usage: taskglass demo/),
  });
});

async function helpOf(command: string): Promise<string> {
  return (await run([command, '--help'].filter((word) => word !== ''))).output;
}

test('docs/cli.md names every option, and none that there is not', async () => {
  const options = (text: string): string[] => [...new Set(text.match(/(?<![\w-])--[a-z][a-z-]+/g))].sort();
  const help = options((await Promise.all(['', 'demo', 'open', 'record', 'export', 'stats'].map(helpOf))).join(''));
  expect(options(readProjectFile('docs/cli.md'))).toEqual(help);
});

test('the demo serves, runs the example once at its start, and ends at a signal', async () => {
  await using taskglass = await Taskglass.start([
    'demo',
    '--workers',
    '1',
    '--threads-per-worker',
    '2',
    '--memory-limit',
    '512MB',
  ]);
  expect((await fetch(taskglass.url('/status'))).status).toBe(200);
  const cluster = await taskglass.api<{ engine: string; workers: number; threads: number }>('cluster');
  expect(cluster).toMatchObject({ engine: 'embedded', workers: 1, threads: 2 });
  await until(
    'the example ran',
    async () => {
      const { functions } = await taskglass.api<{ functions: { name: string; released: number; total: number }[] }>(
        'progress',
      );
      const done = functions.map(({ name, released }) => `${name} ${released}`).sort();
      return done.join() === 'add 100,dec 100,inc 100,sum 1';
    },
    { within: 60_000 },
  );
  expect((await fetch(taskglass.url('/api/v1/example'), { method: 'POST' })).status).toBe(202);
  taskglass.child.signal('SIGINT');
  expect(await taskglass.child.ended()).toBe(0);
  expect(taskglass.child.output.trimEnd().split('\n')).toHaveLength(1);
});

test('while it waits for a scheduler it serves, and ends at a signal', async () => {
  const [port, nobody] = [await freePort(), await freePort()];
  await using taskglass = await Taskglass.serving(
    new Child(process.execPath, [CLI, `127.0.0.1:${nobody}`, '--wait', '--dashboard-address', `:${port}`]),
  );
  expect(await (await fetch(taskglass.url('/health'))).json()).toEqual({ status: 'ok', link: 'connecting' });
  expect(taskglass.child.output).toContain(`Waiting for a scheduler at 127.0.0.1:${nobody}`);
  taskglass.child.signal('SIGTERM');
  expect(await taskglass.child.ended()).toBe(0);
});

test('a signal ends it while it still starts', async () => {
  // Accepts and says nothing, as a stopped scheduler does.
  await using silent = await listener('');
  const connected = once(silent.server, 'connection');
  await using child = new Child(process.execPath, [CLI, `127.0.0.1:${silent.port}`, '--port', '0']);
  await connected;
  child.signal('SIGTERM');
  expect(await child.ended()).toBe(0);
  expect(child.output).toBe('');
});

test('the token comes from the environment too, and is in the address that is printed', async () => {
  const [port, nobody] = [await freePort(), await freePort()];
  const child = new Child(
    process.execPath,
    [CLI, `127.0.0.1:${nobody}`, '--wait', '--bokeh-port', String(port), '--prefix', '/me'],
    {
      env: { TASKGLASS_TOKEN: 'sesame' },
    },
  );
  await using _ = child;
  await child.printed(/Taskglass UI at: http:\/\/127\.0\.0\.1:\d+\/me\/status\?token=sesame\n/);
  expect((await fetch(`http://127.0.0.1:${port}/me/status`)).status).toBe(401);
});

test('beyond this machine a token is made and printed with the address', async () => {
  await using child = new Child(process.execPath, [
    CLI,
    'demo',
    '--workers',
    '1',
    '--threads-per-worker',
    '1',
    '--dashboard-address',
    '0.0.0.0:0',
    '--no-browser',
    '--no-record',
  ]);
  const [, origin, token = ''] = await child.printed(/UI at: (http:\/\/127\.0\.0\.1:\d+)\/status\?token=([\w-]{32})$/m);
  await child.printed(new RegExp(`^From other machines: http://.*token=${token}$`, 'm'));
  const status = async (query: string) => (await fetch(`${origin}/api/v1/cluster${query}`)).status;
  expect([await status(''), await status('?token=guess'), await status(`?token=${token}`)]).toEqual([401, 401, 200]);
});
