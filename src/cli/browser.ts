import { spawn } from 'node:child_process';

/** Opens the page where someone is there to see it: on a terminal with a display. Never fails. */
export function openBrowser(url: string): void {
  const { env, platform } = process;
  if (!process.stdout.isTTY) return;
  let command: [string, ...string[]];
  if (platform === 'darwin') command = ['open', url];
  // `start` takes its first quoted argument for a title, and `&` in an address for the end of the command.
  else if (platform === 'win32') command = ['rundll32', 'url.dll,FileProtocolHandler', url];
  else if (env.DISPLAY || env.WAYLAND_DISPLAY) command = ['xdg-open', url];
  else return;
  if (env.SSH_CONNECTION) return;
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
