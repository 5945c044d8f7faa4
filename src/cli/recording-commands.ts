import { type Command as Commander, Option } from 'commander';
import { EXPORT_FORMATS, type ExportFormat } from '../server/recordings.ts';

/** What a command line asks for that concerns recordings and serves no page. */
export type RecordingCommand =
  | { readonly command: 'record'; readonly address: string; readonly directory: string; readonly wait: boolean }
  | {
      readonly command: 'export';
      readonly recording: string;
      readonly format: ExportFormat;
      /** Null: standard output. */
      readonly to: string | null;
    }
  | { readonly command: 'stats'; readonly recording: string; readonly json: boolean };

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
    .action((recording: string, { format, output }: { format?: ExportFormat; output?: string }) =>
      found({ command: 'export', recording, format: format ?? formatOf(output ?? ''), to: output ?? null }),
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
  if (/\.csv$/i.test(file)) return 'csv';
  if (/\.json$/i.test(file)) return 'chrome';
  return 'ndjson';
}
