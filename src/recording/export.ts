import { open, rename, rm } from 'node:fs/promises';
import type { FinishedColumns } from '../model/source-event.ts';
import type { Damage } from './blocks.ts';
import { ChromeTrace } from './chrome-trace.ts';
import { ROWS_A_GROUP, TasksWriter } from './parquet-write.ts';
import { RecordingReader } from './reader.ts';
import { type RecordedTask, recordedTasks } from './recorded-task.ts';
import { replay } from './replay.ts';
import { Tables } from './tables.ts';

export const EXPORT_FORMATS = ['parquet', 'ndjson', 'csv', 'chrome'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface Exported {
  readonly tasks: number;
  /** What could not be read. */
  readonly damages: readonly Damage[];
}

/** Where an export goes: resolves when more may be written. */
export type Write = (bytes: Uint8Array | string) => Promise<void>;

/**
 * All finished tasks of a recording, sealed or not, each once.
 *
 * @throws NOT_A_RECORDING, RECORDING_VERSION
 */
export async function exportTasks(file: string, format: ExportFormat, write: Write): Promise<Exported> {
  const reader = await RecordingReader.open(file);
  const tables = new Tables();
  const events = replay(reader, tables.intern);
  let tasks = 0;
  if (format === 'parquet') {
    const writer = new TasksWriter(tables.textOf);
    let parts: FinishedColumns[] = [];
    let rows = 0;
    for await (const event of events) {
      if (event.kind !== 'tick' || event.finished === undefined || event.finished.length === 0) continue;
      parts.push(event.finished);
      rows += event.finished.length;
      if (rows < ROWS_A_GROUP) continue;
      await write(writer.add(parts));
      tasks += rows;
      rows = 0;
      parts = [];
    }
    if (rows > 0 || tasks === 0) await write(writer.add(parts));
    await write(writer.finish());
    return { tasks: tasks + rows, damages: reader.damages };
  }
  const writer = TEXTS[format]();
  let text = writer.head;
  for await (const task of recordedTasks(events, tables.textOf)) {
    tasks++;
    text += writer.line(task);
    if (text.length < 65_536) continue;
    await write(text);
    text = '';
  }
  await write(text + writer.end);
  return { tasks, damages: reader.damages };
}

/** The same into a file, which is there whole or not at all. */
export async function exportToFile(file: string, format: ExportFormat, to: string): Promise<Exported> {
  const aside = `${to}.part`;
  const handle = await open(aside, 'w');
  try {
    const exported = await exportTasks(file, format, async (bytes) => {
      await handle.writeFile(bytes);
    });
    await handle.close();
    await rename(aside, to);
    return exported;
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(aside, { force: true });
    throw error;
  }
}

interface TextWriter {
  readonly head: string;
  line(task: RecordedTask): string;
  readonly end: string;
}

const TEXTS: Readonly<Record<Exclude<ExportFormat, 'parquet'>, () => TextWriter>> = {
  ndjson: () => ({ head: '', line: (task) => `${JSON.stringify(task)}\n`, end: '' }),
  csv: () => ({ head: `${CSV_COLUMNS.join(',')}\r\n`, line: csvLine, end: '' }),
  chrome: () => {
    const trace = new ChromeTrace();
    let first = true;
    return {
      head: '{"displayTimeUnit":"ms","traceEvents":[',
      line: (task) =>
        trace
          .eventsOf(task)
          .map((event) => {
            const comma = first ? '\n' : ',\n';
            first = false;
            return comma + JSON.stringify(event);
          })
          .join(''),
      end: '\n]}\n',
    };
  },
};

const CSV_COLUMNS = [
  'key',
  'name',
  'group',
  'worker',
  'thread',
  'status',
  'start',
  'stop',
  'compute',
  'transfer',
  'nbytes',
  'type',
  'past',
  'exception',
] as const;

/** RFC 4180. Times are seconds since epoch; `compute` and `transfer` are sums of seconds. */
function csvLine(task: RecordedTask): string {
  const took = (action: string): number =>
    task.startstops.reduce((sum, slice) => (slice.action === action ? sum + slice.stop - slice.start : sum), 0);
  const sums = { compute: took('compute').toFixed(6), transfer: took('transfer').toFixed(6) };
  const row: Readonly<Record<string, unknown>> = { ...task, ...sums };
  return `${CSV_COLUMNS.map((name) => csvField(row[name])).join(',')}\r\n`;
}

function csvField(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
