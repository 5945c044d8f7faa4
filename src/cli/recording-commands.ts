import { type Command as Commander, InvalidArgumentError, Option } from 'commander';
import {
  EXPORT_FORMATS,
  type ExportFormat,
  type RecordingSelection,
  TASK_STATUSES,
} from '../server/history/recordings.ts';

/** What a command line asks for that concerns recordings and serves no page. */
export type RecordingCommand =
  | { readonly command: 'record'; readonly address: string; readonly directory: string; readonly wait: boolean }
  | {
      readonly command: 'export';
      readonly recording: string;
      readonly format: ExportFormat;
      readonly selection: RecordingSelection;
      /** Null: standard output. */
      readonly to: string | null;
    }
  | { readonly command: 'stats'; readonly recording: string; readonly json: boolean };

interface ExportGiven extends RecordingSelection {
  readonly format?: ExportFormat;
  readonly output?: string;
}

const HELP = ['-h, --help', 'print this help'] as const;

/** Adds `record`, `export` and `stats`; `found` is called with what was asked for. */
export function addRecordingCommands(program: Commander, found: (command: RecordingCommand) => void): Commander[] {
  const record = program
    .command('record')
    .description('record a scheduler without serving a page, until Ctrl-C')
    .argument('<ADDRESS>', 'scheduler to record')
    .requiredOption('-o, --output <folder>', 'folder of the recording')
    .option('--wait', 'keep trying when no scheduler answers yet')
    .action((address: string, { output, wait }: { output: string; wait?: boolean }) =>
      found({ command: 'record', address, directory: output, wait: (wait ?? program.opts().wait) === true }),
    );
  const exporting = program
    .command('export')
    .description('write the tasks of a recording into a file that other tools read')
    .argument('<RECORDING>', 'folder of the recording')
    .addOption(
      new Option('--format <format>', 'what to write (default: by the name of the file, else ndjson)').choices(
        EXPORT_FORMATS,
      ),
    )
    .option('-o, --output <file>', 'where to (default: standard output)')
    .option(
      '--since <time>',
      'only tasks that ended at or after this: 2026-05-01T12:00, or seconds since epoch',
      timeOf,
    )
    .option('--until <time>', 'only tasks that started at or before this', timeOf)
    .option('--name <function>', 'only tasks of this function (may be repeated)', oneMore)
    .option('--worker <worker>', 'only tasks of the worker of this name or address (may be repeated)', oneMore)
    .addOption(new Option('--status <status>', 'only tasks that ended so').choices(TASK_STATUSES))
    .option('--text <text>', 'only tasks whose key contains this')
    .option('--regex', 'the text is a regular expression, in the syntax of RE2')
    .option('--min-duration <seconds>', 'only tasks that took at least so long', secondsOf)
    .option('--max-duration <seconds>', 'only tasks that took at most so long', secondsOf)
    .action((recording: string, { format, output, ...selection }: ExportGiven) =>
      found({ command: 'export', recording, format: format ?? formatOf(output ?? ''), selection, to: output ?? null }),
    );
  const stats = program
    .command('stats')
    .description('say what a recording holds')
    .argument('<RECORDING>', 'folder of the recording')
    .option('--json', 'as JSON')
    .action((recording: string, { json }: { json?: boolean }) =>
      found({ command: 'stats', recording, json: json === true }),
    );
  for (const command of [record, exporting, stats]) command.helpOption(...HELP).helpCommand(false);
  return [record, exporting, stats];
}

function formatOf(file: string): ExportFormat {
  if (/\.parquet$/i.test(file)) return 'parquet';
  if (/\.(arrow|feather)$/i.test(file)) return 'arrow';
  if (/\.html?$/i.test(file)) return 'html';
  if (/\.csv$/i.test(file)) return 'csv';
  if (/\.json$/i.test(file)) return 'chrome';
  return 'ndjson';
}

/** Seconds since epoch; a time without a zone is one of this machine's clock. */
function timeOf(text: string): number {
  const seconds = /^\d{1,12}(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000;
  if (Number.isFinite(seconds)) return seconds;
  throw new InvalidArgumentError('Write a time as 2026-05-01T12:00:00, or as seconds since epoch.');
}

function secondsOf(text: string): number {
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write seconds as 0.25.');
}

function oneMore(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
