import { once } from 'node:events';
import {
  type Damage,
  exportRecording,
  type RecordingStats,
  recordingStats,
  recordOnly,
  type TlsOptions,
} from '../server/history/recordings.ts';
import type { RecordingCommand } from './recording-commands.ts';

/** Does what needs no page, and returns the exit status. */
export async function runRecordingCommand(
  command: RecordingCommand & { tls: TlsOptions | undefined },
  signal: AbortSignal,
): Promise<number> {
  switch (command.command) {
    case 'record': {
      const tasks = await recordOnly(command.address, {
        directory: command.directory,
        wait: command.wait,
        ...(command.tls && { tls: command.tls }),
        signal,
        began: (address, directory) => console.log(`Recording ${address} to ${directory}`),
        lost: (reason) => console.log(`The scheduler is lost (${reason}); trying again.`),
      });
      console.log(`Recorded ${tasks.toLocaleString('en-US')} tasks.`);
      return 0;
    }
    case 'export': {
      const { recording, format, selection, to } = command;
      const { tasks, leftOut, damages } = await exportRecording(recording, format, selection, to ?? toStdout);
      const more = leftOut > 0 ? `, ${leftOut.toLocaleString('en-US')} more as sums alone,` : '';
      if (to !== null) console.log(`Wrote ${tasks.toLocaleString('en-US')} tasks${more} to ${to}`);
      return warn(damages);
    }
    case 'stats': {
      const stats = await recordingStats(command.recording);
      console.log(command.json ? JSON.stringify(stats, null, 2) : statsText(stats));
      return warn(stats.damages);
    }
  }
}

async function toStdout(bytes: Uint8Array | string): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
}

/** A torn end is what a crash leaves; other damage is a failure, though what could be read was. */
function warn(damages: readonly Damage[]): number {
  for (const { file, offset, what, torn } of damages) {
    console.error(`${torn ? 'note' : 'error RECORDING_DAMAGED'}: ${file}, byte ${offset}: ${what}`);
  }
  return damages.some(({ torn }) => !torn) ? 1 : 0;
}

function statsText({ recording, summary, bytes }: RecordingStats): string {
  const { tasks, erred, start, stop, functions, workers, missed, unknownGaps } = summary;
  const head = [
    ['recording of', `${recording.engine} ${recording.version} at ${recording.address}`],
    ['scheduler', recording.id],
    ['tasks', `${tasks.toLocaleString('en-US')}, ${erred.toLocaleString('en-US')} erred, on ${workers.length} workers`],
    ['time', start === null || stop === null ? '–' : `${isoTime(start)} to ${isoTime(stop)}, ${seconds(stop - start)}`],
    [
      'missed',
      `${missed.toLocaleString('en-US')} tasks${unknownGaps > 0 ? ` and ${unknownGaps} gaps of unknown size` : ''}`,
    ],
    ['on disk', `${megabytes(bytes.segments)}, and ${megabytes(bytes.index)} of an index that may be deleted`],
  ].map(([name = '', value = '']) => `${name.padEnd(13)}${value}`);
  const rows = functions.map((fn) => [
    fn.name,
    fn.tasks.toLocaleString('en-US'),
    fn.erred.toLocaleString('en-US'),
    seconds(fn.compute),
    seconds(fn.compute / Math.max(1, fn.tasks)),
    seconds(fn.longest),
    seconds(fn.transfer),
  ]);
  const table = [['function', 'tasks', 'erred', 'compute', 'mean', 'longest', 'transfer'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '),
  );
  return [...head, '', ...lines].join('\n');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

function isoTime(time: number): string {
  return new Date(time * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
}

function seconds(value: number): string {
  return value >= 100
    ? `${value.toFixed(0)} s`
    : value >= 1
      ? `${value.toFixed(2)} s`
      : `${(value * 1000).toFixed(2)} ms`;
}
