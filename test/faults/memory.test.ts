import { expect, test } from 'vitest';
import { Child } from '../support/child.ts';

/** A server of a made history in a process of its own, of so much memory. */
async function serving(tasks: number, memory: string): Promise<{ child: Child; url: string }> {
  const args = ['test/support/history-server.mjs', String(tasks)];
  const child = new Child(process.execPath, args, { env: { TASKGLASS_MEMORY: memory } });
  const [, url = ''] = await child.printed(/ tasks at (http:\S+)\/status/, 120_000);
  return { child, url };
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

test('memory limit reached: the server stays bounded, and answers from its oldest task to its newest', async () => {
  const tasks = 600_000;
  const many = await serving(tasks, '32MB');
  try {
    const ask = async (path: string) => (await (await fetch(`${many.url}/api/v1/${path}`)).json()) as never;
    const first: { total: number; tasks: { key: string }[] } = await ask('tasks?limit=2');
    const last: { tasks: { key: string }[] } = await ask(`tasks?limit=10&after=${tasks - 3}`);
    expect(first.total).toBe(tasks);
    expect(first.tasks.map(({ key }) => key.length > 3)).toEqual([true, true]);
    expect(last.tasks.length).toBe(2);
    // Of what 600,000 tasks take, 12.8 MB may stay in memory; the rest is on disk.
    expect(await metric(many.url, 'taskglass_history_memory_bytes')).toBeLessThan(14e6);
    expect(await metric(many.url, 'taskglass_history_disk_bytes')).toBeGreaterThan(30e6);
    const few = await serving(1_000, '32MB');
    try {
      const resident = await Promise.all([many, few].map(({ url }) => metric(url, 'process_resident_memory_bytes')));
      expect(resident[0]! - resident[1]!).toBeLessThan(350e6);
    } finally {
      await few.child.kill();
    }
  } finally {
    await many.child.kill();
  }
}, 240_000);
