import { open, rename, rm } from 'node:fs/promises';
import type { FinishedColumns } from '../../model/source-event.ts';
import type { TaskSelection } from '../../model/task-selection.ts';
import type { Damage } from '../files/blocks.ts';
import { ROWS_A_GROUP } from '../parquet/footer.ts';
import { TasksWriter } from '../parquet/write.ts';
import { RecordingReader } from '../reader.ts';
import { replay } from '../replay.ts';
import { ArrowTasks } from './arrow-tasks.ts';
import { ChromeTrace } from './chrome-trace.ts';
import { type RecordedTask, tasksOf } from './recorded-task.ts';
import { Selector } from './selection.ts';
import { Tables } from './tables.ts';

export const TASK_FORMATS = ['parquet', 'arrow', 'ndjson', 'csv', 'chrome'] as const;
export type TaskFormat = (typeof TASK_FORMATS)[number];

export interface Exported {
  readonly tasks: number;
  /** What could not be read. */
  readonly damages: readonly Damage[];
}

/** Where an export goes: resolves when more may be written. */
export type Write = (bytes: Uint8Array | string) => Promise<void>;

/** Finished tasks on their way out: of a recording, or of the history of a running server. */
export interface TaskRows {
  readonly textOf: Tables['textOf'];
  /** In parts of any size, oldest first. */
  parts(): AsyncIterable<FinishedColumns>;
}

/** Bytes of text that are written at once, about. */
const TEXT_AT_ONCE = 65_536;

/** Writes all rows and returns how many they were. Holds a part, or a row group of the format, and no more. */
export async function writeTaskRows(rows: TaskRows, format: TaskFormat, write: Write): Promise<number> {
  if (format === 'parquet') return writeParquet(rows, write);
  if (format === 'arrow') return writeArrow(rows, write);
  const writer = TEXTS[format]();
  let tasks = 0;
  let text = writer.head;
  for await (const part of rows.parts()) {
    for (const task of tasksOf(part, rows.textOf)) {
      tasks++;
      text += writer.line(task);
      if (text.length < TEXT_AT_ONCE) continue;
      await write(text);
      text = '';
    }
  }
  await write(text + writer.end);
  return tasks;
}

async function writeParquet(rows: TaskRows, write: Write): Promise<number> {
  const writer = new TasksWriter(rows.textOf);
  let tasks = 0;
  let parts: FinishedColumns[] = [];
  let waiting = 0;
  for await (const part of rows.parts()) {
    parts.push(part);
    waiting += part.length;
    if (waiting < ROWS_A_GROUP) continue;
    await write(writer.add(parts));
    tasks += waiting;
    waiting = 0;
    parts = [];
  }
  if (waiting > 0 || tasks === 0) await write(writer.add(parts));
  await write(writer.finish());
  return tasks + waiting;
}

async function writeArrow(rows: TaskRows, write: Write): Promise<number> {
  const writer = new ArrowTasks();
  let tasks = 0;
  await write(writer.begin());
  for await (const part of rows.parts()) {
    for (const task of tasksOf(part, rows.textOf)) {
      tasks++;
      const bytes = writer.add(task);
      if (bytes !== null) await write(bytes);
    }
  }
  for (const bytes of writer.end()) await write(bytes);
  return tasks;
}

/**
 * The finished tasks of a recording, sealed or not, each once; all, or those that are wanted.
 *
 * @throws NOT_A_RECORDING, RECORDING_VERSION
 */
export async function exportTasks(
  file: string,
  format: TaskFormat,
  selection: TaskSelection,
  write: Write,
): Promise<Exported> {
  const reader = await RecordingReader.open(file);
  const { textOf, intern } = new Tables();
  const selector = new Selector(selection, textOf);
  async function* parts(): AsyncGenerator<FinishedColumns> {
    for await (const event of replay(reader, intern)) {
      const found = selector.of(event);
      if (found !== null) yield found;
    }
  }
  const tasks = await writeTaskRows({ textOf, parts }, format, write);
  return { tasks, damages: reader.damages };
}

/** Lets `fill` write a file, which is there whole or not at all. */
export async function writeWhole<T>(to: string, fill: (write: Write) => Promise<T>): Promise<T> {
  const aside = `${to}.part`;
  const handle = await open(aside, 'w');
  try {
    const result = await fill(async (bytes) => {
      await handle.writeFile(bytes);
    });
    await handle.close();
    await rename(aside, to);
    return result;
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

const TEXTS: Readonly<Record<Exclude<TaskFormat, 'parquet' | 'arrow'>, () => TextWriter>> = {
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
