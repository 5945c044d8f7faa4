import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { ROOT } from '../../test/support/project-files.ts';

/** One line of a table: the first column says what it is. */
export type Row = readonly string[];

export interface Result {
  /** Name of the file that measures it, e.g. `latency`. */
  readonly name: string;
  /** What was done, in a sentence or two. */
  readonly about: string;
  readonly head: Row;
  readonly rows: readonly Row[];
  /** The figures behind the table. */
  readonly data: unknown;
}

/** Prints a result as a table, keeps it under bench/results as the last one of its name, and puts it into README.md. */
export function report(result: Result): void {
  const folder = path.join(ROOT, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Node ${process.versions.node}`;
  const load = loadavg()[0]?.toFixed(1);
  const when = new Date().toISOString().slice(0, 10);
  const table = toMarkdown(result.head, result.rows);
  const text = `# ${result.name}\n\n${result.about}\n\n${table}\n\n${when}, ${machine}, load ${load} at the end.\n`;
  console.log(`\n${text}`);
  writeFileSync(path.join(folder, `${result.name}.md`), text);
  const json = { name: result.name, when, machine, load, head: result.head, rows: result.rows, data: result.data };
  writeFileSync(path.join(folder, `${result.name}.json`), `${JSON.stringify(json, null, 2)}\n`);
  const readme = path.join(ROOT, 'README.md');
  const place = new RegExp(`(<!-- bench ${result.name} -->\\n)[\\s\\S]*?(<!-- end -->)`);
  writeFileSync(
    readme,
    readFileSync(readme, 'utf8').replace(
      place,
      (_, before: string, after: string) => `${before}\n${table}\n\n${after}`,
    ),
  );
}

function toMarkdown(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** A number with so many digits after the point, `–` where there is none. */
export function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '–';
}
