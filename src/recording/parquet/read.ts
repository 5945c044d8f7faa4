import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { makeColumns, type WritableColumns } from '../../model/finished-columns.ts';
import type { FinishedColumns, StringTableName } from '../../model/source-event.ts';
import { ACTION_INDEX, type Action, RECORD_STATUSES, type RecordStatus } from '../../model/task-state.ts';
import { MICROS_PER_SECOND } from '../../model/units.ts';
import { checkLinks, RecordingError } from '../files/event-decoder.ts';
import { type Group, LEAVES, type LeafName, readFooter } from './footer.ts';
import { type Column, readChunk } from './pages.ts';
import { Budget } from './values.ts';

type Columns = ReadonlyMap<LeafName, Column>;
type Intern = (table: StringTableName, value: string) => number;

/**
 * A Parquet file of finished tasks, read a row group at a time. It may be from anybody: what is read is what {@link TasksWriter}
 * writes and nothing else, and no length is believed that the bytes cannot give.
 */
export class TasksReader {
  readonly #bytes: Buffer;
  readonly #groups: readonly Group[];

  /** `footer`: where the file's own may be damaged. Throws {@link RecordingError} for what is none. */
  constructor(bytes: Buffer, footer: Buffer) {
    this.#bytes = bytes;
    this.#groups = readFooter(footer, bytes.length);
  }

  get groups(): number {
    return this.#groups.length;
  }

  /** The bytes [from, to) of the file that a row group is read from. */
  extent(group: number): Pick<Group, 'from' | 'to' | 'rows'> {
    return this.#groups[group]!;
  }

  /** CRC-32 of each row group. */
  checksums(): number[] {
    return this.#groups.map(({ from, to }) => crc32(this.#bytes.subarray(from, to)));
  }

  /** @throws RecordingError */
  async read(group: number, intern: Intern): Promise<FinishedColumns> {
    const { chunks, rows } = this.#groups[group]!;
    const budget = new Budget();
    const columns = new Map<LeafName, Column>();
    for (const [name, chunk] of chunks) {
      columns.set(name, readChunk(this.#bytes, chunk, budget));
      // Others have their turn in between.
      await setImmediate();
    }
    return assemble(columns, rows, intern);
  }
}

function assemble(columns: Columns, rows: number, intern: Intern): FinishedColumns {
  const column = (name: LeafName): Column => columns.get(name) ?? broken(`the column ${name} is not there`);
  const lists = countLists(column('startstops.action'), rows);
  const made = makeColumns(rows, lists.values, false);
  made.startstops = lists.counts;
  const [key, status] = [textsOf(column('key')), textsOf(column('status'), statusOf)];
  for (let row = 0; row < rows; row++) {
    made.keys[row] = key(row);
    made.status[row] = status(row);
  }
  const tables = { name: 'function', group: 'group', worker: 'worker', type: 'type' } as const;
  const into = { name: made.fn, group: made.group, worker: made.worker, type: made.type };
  for (const name of ['name', 'group', 'worker', 'type'] as const) {
    const index = textsOf(column(name), (text) => intern(tables[name], text));
    for (let row = 0; row < rows; row++) into[name][row] = index(row);
  }
  made.thread.set(column('thread').wholes);
  spread(column('nbytes'), made.nbytes.fill(Number.NaN));
  errors(made, column('exception'), column('traceback'));
  startstops(made, column, intern);
  if (columns.has('ready')) links(made, column);
  return made;
}

/** What a place of the values says, made once for each text that a dictionary has. */
function textsOf(column: Column): (place: number) => string;
function textsOf<T>(column: Column, make: (text: string) => T): (place: number) => T;
function textsOf(column: Column, make: (text: string) => unknown = (text) => text): (place: number) => unknown {
  const { words, index } = column.texts;
  if (index === null) return (place) => make(words[place]!);
  const made = new Array<unknown>(words.length);
  const known = new Uint8Array(words.length);
  return (place) => {
    const word = index[place]!;
    if (known[word] === 0) {
      made[word] = make(words[word]!);
      known[word] = 1;
    }
    return made[word];
  };
}

/** Puts values where there are some, and leaves the rest as it is. */
function spread({ definition, wholes }: Column, into: Float64Array, scale = 1): void {
  let at = 0;
  for (let row = 0; row < into.length; row++) if (definition![row] === 1) into[row] = wholes[at++]! / scale;
}

function errors(made: WritableColumns, exceptions: Column, tracebacks: Column): void {
  const [exception, traceback] = [textsOf(exceptions), textsOf(tracebacks)];
  let [at, traces] = [0, 0];
  for (let row = 0; row < made.length; row++) {
    const trace = tracebacks.definition![row] === 1 ? traceback(traces++) : '';
    if (exceptions.definition![row] === 1) made.errors.set(row, { exception: exception(at++), traceback: trace });
  }
}

function startstops(made: WritableColumns, column: (name: LeafName) => Column, intern: Intern): void {
  const counts = made.startstops;
  const action = textsOf(column('startstops.action'), actionOf);
  for (let at = 0; at < made.action.length; at++) made.action[at] = action(at);
  for (const name of ['start', 'stop'] as const) {
    const times = column(`startstops.${name}`);
    requireLists(times, counts);
    for (let at = 0; at < made[name].length; at++) made[name][at] = times.wholes[at]! / MICROS_PER_SECOND;
  }
  const sources = column('startstops.source');
  requireLists(sources, counts);
  const source = textsOf(sources, (text) => intern('worker', text));
  const levels = sources.definition!;
  let [at, known] = [0, 0];
  for (const level of levels) {
    if (level === LEAVES['startstops.source'].definition) made.origin[at] = source(known++);
    if (level > 0) at++;
  }
}

/** Files of an earlier make do not say what a task waited for. */
function links(made: WritableColumns, column: (name: LeafName) => Column): void {
  const dependencies = column('dependencies');
  const lists = countLists(dependencies, made.length);
  made.dependencies = lists.counts;
  made.back = Uint32Array.from(dependencies.wholes);
  spread(column('ready'), made.ready, MICROS_PER_SECOND);
  made.needs.set(column('needs').wholes);
  checkLinks(made);
}

/** How many values the list of each row has. */
function countLists({ definition, repetition }: Column, rows: number) {
  const counts = new Uint16Array(rows);
  let row = -1;
  let values = 0;
  for (let place = 0; place < repetition!.length; place++) {
    const begins = repetition![place] === 0;
    if (begins) row++;
    else if (row < 0 || counts[row] === 0) broken('a list that goes on before it begins');
    if (row === rows) broken('more lists than rows');
    if (definition![place] === 0) {
      if (!begins) broken('a list that goes on without a value');
      continue;
    }
    if (counts[row] === 0xffff) broken('a list that is too long');
    counts[row]!++;
    values++;
  }
  if (row !== rows - 1) broken('fewer lists than rows');
  return { counts, values };
}

function requireLists(column: Column, counts: Uint16Array): void {
  const lists = countLists(column, counts.length);
  if (lists.counts.some((count, row) => count !== counts[row])) broken('lists of different lengths');
}

function statusOf(text: string): number {
  const status = RECORD_STATUSES.indexOf(text as RecordStatus);
  return status === -1 ? broken('an unknown status') : status;
}

function actionOf(text: string): number {
  return Object.hasOwn(ACTION_INDEX, text) ? ACTION_INDEX[text as Action] : broken('an unknown action');
}

function broken(what: string): never {
  throw new RecordingError(what);
}
