import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from '../../scripts/lib/build.mjs';
import { Child } from './child.ts';
import { freePort } from './ports.ts';

/** The built command, running. `await using` ends it. */
export class Taskglass implements AsyncDisposable {
  readonly child: Child;
  /** `http://127.0.0.1:PORT` with no slash at the end. */
  readonly origin: string;

  private constructor(child: Child, origin: string) {
    this.child = child;
    this.origin = origin;
  }

  /**
   * Runs `taskglass ARGS` on a port (any free one when it is left out) and waits until it serves. Builds first when the
   * sources have changed. `node`: arguments for Node itself.
   */
  static async start(args: readonly string[], port?: string, node: readonly string[] = []): Promise<Taskglass> {
    await build();
    const options = ['--port', port ?? String(await freePort()), '--no-browser'];
    // A bench runs outside Vitest, which says this for all tests.
    const { TASKGLASS_RECORD_DIR = path.join(tmpdir(), 'taskglass-test-recordings') } = process.env;
    const env = { TASKGLASS_RECORD_DIR };
    return await Taskglass.serving(new Child(process.execPath, [...node, 'dist/cli.js', ...args, ...options], { env }));
  }

  /** Takes over a process that is a taskglass, however it was started. */
  static async serving(child: Child, within = 60_000): Promise<Taskglass> {
    try {
      const [, origin = ''] = await child.printed(/Taskglass UI at: (http:\/\/[^/\s]+)\/status/, within);
      return new Taskglass(child, origin);
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  url(path: string): string {
    return `${this.origin}${path}`;
  }

  /** An answer of the HTTP API: `api('progress')`. Throws for any status but 200. */
  async api<T>(path: string): Promise<T> {
    const response = await fetch(this.url(`/api/v1/${path}`));
    if (response.status !== 200) throw new Error(`${response.status} for ${path}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.child.kill();
  }
}
