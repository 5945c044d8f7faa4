import { Command as Commander, CommanderError, InvalidArgumentError, Option } from 'commander';
import { TaskglassError } from '../base/errors.ts';
import {
  FIRST_FALLBACK_PORT,
  LOG_LEVELS,
  type NamedAddress,
  type ServeDaskOptions,
  type ServeOptions,
} from '../server/main.ts';
import { type AccessGiven, accessOf, addAccessOptions, addActionOptions } from './access-options.ts';
import { type ClustersGiven, clustersOf } from './clusters.ts';
import { addRecordOptions, type RecordGiven, recordingsOf, recordOf, sizeInBytes } from './record-options.ts';
import { addRecordingCommands, type RecordingCommand } from './recording-commands.ts';

export const DEFAULT_PORT = 8787;
const DEFAULT_ADDRESS = 'tcp://127.0.0.1:8786';

/** What a command line asks for. */
export type Command =
  | { readonly command: 'print'; readonly text: string }
  | (RecordingCommand & { readonly tls: ServeDaskOptions['tls'] })
  | ServeCommand;

/** What is watched, and how it is served. */
export type ServeCommand =
  | {
      readonly command: 'attach';
      /** The first one is served at the root. */
      readonly clusters: readonly [NamedAddress, ...NamedAddress[]];
      readonly browser: boolean;
      readonly serve: ServeDaskOptions;
    }
  | {
      readonly command: 'open';
      readonly recording: string;
      readonly browser: boolean;
      readonly serve: ServeOptions;
    }
  | {
      readonly command: 'demo';
      readonly engine: EngineOptions;
      readonly browser: boolean;
      readonly serve: ServeOptions;
    };

interface EngineOptions {
  readonly workers?: number;
  readonly threadsPerWorker?: number;
  readonly memoryLimit?: string;
}

interface TlsGiven {
  readonly tlsCaFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
}

/** Options of every command, as commander gives them. */
interface Given extends RecordGiven, AccessGiven {
  readonly host?: string;
  readonly port?: number;
  readonly bokehPort?: number;
  readonly dashboardAddress?: { readonly host: string | null; readonly port: number };
  readonly prefix?: string;
  readonly allowHost?: readonly string[];
  readonly browser?: boolean;
  readonly wait?: boolean;
  readonly logLevel?: ServeOptions['logLevel'];
  readonly memory?: number;
}

/** Throws OPTION_INVALID. Prints nothing: help and version come back as text. */
export function parseCommandLine(args: readonly string[], version: string): Command {
  let result: Command | null = null;
  let printed = '';
  const program = new Commander('taskglass')
    .description('A live web interface for task clusters.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .argument('[ADDRESS...]', `scheduler to watch, or several (default: ${DEFAULT_ADDRESS})`)
    .option('--clusters <file>', 'watch the schedulers in this file, an address and perhaps a name a line')
    .option('--scheduler-file <file>', 'watch the scheduler that writes this file, wherever it is started next')
    .option('--wait', 'keep trying when no scheduler answers yet')
    .option('--tls-ca-file <path>', 'CA of a cluster with a tls:// address (PEM)')
    .option('--tls-cert <path>', 'our certificate for it (PEM)')
    .option('--tls-key <path>', 'the key of that certificate (PEM)')
    .option('--tls-server-name <name>', 'whom its certificate must be for (default: whoever the CA signed for)')
    .action((addresses: readonly string[], given: Given & TlsGiven & ClustersGiven) => {
      const { browser, serve } = served(given);
      const tls = tlsOf(given);
      const [first = { address: DEFAULT_ADDRESS }, ...others] = clustersOf(addresses, given);
      result = {
        command: 'attach',
        clusters: [first, ...others],
        browser,
        serve: { ...serve, ...(tls && { tls }) },
      };
    });
  const demo = program
    .command('demo')
    .description('watch the example computation on a cluster of this machine; needs no Dask')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .option('--workers <n>', 'worker processes', whole(1, 256))
    .option('--threads-per-worker <n>', 'threads of each worker', whole(1, 256))
    .option('--memory-limit <size>', 'memory of each worker, like 512MB or 2GiB; 0 = no limit')
    .action((given: Given & EngineOptions) => {
      const { workers, threadsPerWorker, memoryLimit } = given;
      const engine = {
        ...(workers !== undefined && { workers }),
        ...(threadsPerWorker !== undefined && { threadsPerWorker }),
        ...(memoryLimit !== undefined && { memoryLimit }),
      };
      result = { command: 'demo', engine, ...served(withOptionsBefore(given, program)) };
    });
  const opening = program
    .command('open')
    .description('show a recording; needs no cluster')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .argument('<RECORDING>', 'folder of the recording')
    .action((recording: string, given: Given) => {
      const { recordDir } = program.opts<RecordGiven>();
      const all = {
        ...withOptionsBefore(given, program),
        ...(recordDir !== undefined && { recordDir }),
        record: false,
      };
      result = { command: 'open', recording, ...served(all) };
    });
  const others = addRecordingCommands(program, (command) => {
    result = { ...command, tls: tlsOf(program.opts<TlsGiven>()) };
  });
  program.helpCommand(false);
  for (const command of [program, demo, opening]) addServeOptions(command);
  for (const command of [program, demo]) addRecordOptions(command);
  for (const command of [program, demo]) addActionOptions(command);
  for (const command of [program, demo, opening, ...others]) {
    command
      .exitOverride()
      .allowExcessArguments(false)
      .configureOutput({
        writeOut: (text) => {
          printed += text;
        },
        writeErr: () => {},
      });
  }
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { command: 'print', text: printed };
    throw new TaskglassError('OPTION_INVALID', error.message.replace(/^error: /, '').replace(/\s+/g, ' '));
  }
  if (result === null) throw new TaskglassError('OPTION_INVALID', 'nothing to do');
  return result;
}

/** Options may stand before the word `demo` too, and commander gives those to `program`, wherever they stand. */
function withOptionsBefore(given: Given, program: Commander): Given {
  const typed = Object.entries(program.opts()).filter(([name]) => program.getOptionValueSource(name) === 'cli');
  return { ...given, ...Object.fromEntries(typed) };
}

function addServeOptions(command: Commander): void {
  command
    .option('--host <host>', 'address to listen on (default: 127.0.0.1)')
    .option(
      '--port <n>',
      `port to listen on (default: ${DEFAULT_PORT}, or a free one from ${FIRST_FALLBACK_PORT} up)`,
      whole(0, 65_535),
    )
    .option('--bokeh-port <n>', 'the same as --port', whole(0, 65_535))
    .option('--dashboard-address <address>', 'the same as --host and --port, like :8787', hostAndPort)
    .option('--prefix <path>', 'what stands before every path, like /user/me')
    .addOption(new Option('--token <secret>', 'ask everyone for this token').env('TASKGLASS_TOKEN'))
    .option(
      '--allow-host <name>',
      'serve under this host name too; may be repeated',
      (name: string, names: string[] = []) => [...names, name],
    )
    .option('--insecure', 'serve beyond this machine without a token')
    .option('--no-browser', 'do not open a browser')
    .addOption(
      new Option('--memory <size>', 'memory of this process, like 1GB (default: 512MB)')
        .env('TASKGLASS_MEMORY')
        .argParser(sizeInBytes),
    )
    .addOption(new Option('--log-level <level>', 'what to log (default: warn)').choices(LOG_LEVELS));
  addAccessOptions(command);
}

function served(given: Given): { browser: boolean; serve: ServeOptions } {
  const { dashboardAddress, prefix, allowHost, wait, logLevel, memory } = given;
  const host = one('--host', [given.host, dashboardAddress?.host ?? undefined]) ?? '127.0.0.1';
  const port = one('--port', [given.port, given.bokehPort, dashboardAddress?.port]);
  return {
    browser: given.browser !== false,
    serve: {
      host,
      port: port ?? DEFAULT_PORT,
      portFallback: port === undefined,
      ...(prefix !== undefined && { prefix }),
      ...(allowHost !== undefined && { allowHosts: allowHost }),
      ...accessOf(given, host),
      ...(wait !== undefined && { wait }),
      ...(logLevel !== undefined && { logLevel }),
      ...(memory !== undefined && { memory }),
      record: recordOf(given),
      recordings: recordingsOf(given),
    },
  };
}

function tlsOf({
  tlsCaFile: caFile,
  tlsCert: cert,
  tlsKey: key,
  tlsServerName: serverName,
}: TlsGiven): ServeDaskOptions['tls'] {
  const tls = {
    ...(caFile !== undefined && { caFile }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { serverName }),
  };
  return Object.keys(tls).length > 0 ? tls : undefined;
}

/** One value from options that mean the same. */
function one<T>(option: string, values: readonly (T | undefined)[]): T | undefined {
  const given = [...new Set(values.filter((value) => value !== undefined))];
  if (given.length > 1) throw new TaskglassError('OPTION_INVALID', `${option} is given as ${given.join(' and as ')}`);
  return given[0];
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** `:8787`, `8787`, `host:8787`, `[::1]:8787`. */
function hostAndPort(text: string): { host: string | null; port: number } {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new InvalidArgumentError('It must be like :8787 or HOST:8787.');
  }
  return { host: match[1] || match[2] || null, port };
}
