#!/usr/bin/env node
import { hostname } from 'node:os';
import { TaskglassError } from './base/errors.ts';
import { openBrowser } from './cli/browser.ts';
import { moreHelp } from './cli/more-help.ts';
import { DEFAULT_PORT, parseCommandLine, type ServeCommand } from './cli/options.ts';
import { serveDask, serveDemo, serveRecording, type TaskglassServer, VERSION } from './server/main.ts';

/** Arguments → options → a server; the only file that prints. */
async function main(args: readonly string[]): Promise<void> {
  // Whoever read our output may have gone; that is no reason to end.
  process.stdout.on('error', () => {});
  const parsed = parseCommandLine(args, VERSION);
  if (parsed.command === 'print') {
    process.stdout.write(parsed.text);
    return;
  }
  const stopping = stopOnSignal();
  if (parsed.command === 'record' || parsed.command === 'export' || parsed.command === 'stats') {
    const { runRecordingCommand } = await import('./cli/recordings.ts');
    process.exit(await runRecordingCommand(parsed, stopping));
  }
  const server = await serve(parsed, stopping);
  if (server === null) process.exit(0);
  announce(server, parsed);
  if (parsed.browser) openBrowser(server.url);
  await new Promise<void>((stop) => {
    if (stopping.aborted) stop();
    else stopping.addEventListener('abort', () => stop());
  });
  await server.close();
  process.exit(0);
}

/** Null: we were told to stop before it stood. */
async function serve(command: ServeCommand, signal: AbortSignal): Promise<TaskglassServer | null> {
  try {
    const options = { ...command.serve, signal };
    if (command.command === 'open') return await serveRecording(command.recording, options);
    if (command.command === 'demo') return await serveDemo(command.engine, options);
    return await serveDask(command.clusters, options);
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

function announce(server: TaskglassServer, { serve: { host, portFallback, wait }, ...command }: ServeCommand): void {
  if (portFallback === true && server.port !== DEFAULT_PORT)
    console.log(`Port ${DEFAULT_PORT} is taken; using ${server.port}.`);
  if (command.command === 'attach') {
    const { clusters } = command;
    if (clusters.length > 1) console.log(`Watching ${clusters.length} clusters: ${clusters.map(nameOf).join(', ')}.`);
    else if (wait === true) console.log(`Waiting for a scheduler at ${clusters[0].address}.`);
  }
  console.log(`Taskglass UI at: ${server.url}`);
  if (host === '0.0.0.0' || host === '::') {
    console.log(`From other machines: ${server.url.replace('//127.0.0.1:', `//${hostname()}:`)}`);
  }
}

function nameOf({ name, address }: { readonly name?: string; readonly address: string }): string {
  return name ?? address;
}

/** Aborted at the first SIGINT or SIGTERM. The second one ends the process there and then. */
function stopOnSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(status);
      stopping.abort();
    });
  }
  return stopping.signal;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof TaskglassError) {
    const more = moreHelp(error.code);
    console.error(
      `error ${error.code}: ${error.title}: ${error.detail}\n${error.advice}${more ? `\nMore: ${more}` : ''}`,
    );
  } else {
    const internal = new TaskglassError('INTERNAL', error instanceof Error ? error.message : String(error));
    console.error(`error ${internal.code}: ${internal.title}: ${internal.detail}\nPlease report it with these lines:`);
    console.error(error);
  }
  process.exit(1);
}
