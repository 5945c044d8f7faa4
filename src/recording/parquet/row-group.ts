import type { FinishedColumns } from '../../model/source-event.ts';
import { ACTIONS, RECORD_STATUSES } from '../../model/task-state.ts';
import { toMicros } from '../../model/units.ts';
import type { Tables } from '../export/tables.ts';
import { FlagColumn, TextColumn, WholeColumn, WordColumn } from './chunk-columns.ts';
import { ROWS_A_GROUP } from './footer.ts';

/** How much of a part was taken: so many rows, and so many startstops and dependencies of them. */
export interface Place {
  row: number;
  slice: number;
  link: number;
}

const STATUSES = RECORD_STATUSES.map((status) => Buffer.from(status));
const ACTION_TEXTS = ACTIONS.map((action) => Buffer.from(action));

/** The columns of a row group while it is filled. */
export class RowGroup {
  rows = 0;
  readonly columns: Columns;
  readonly #errors = new ErrorTexts();

  constructor(textOf: Tables['textOf']) {
    this.columns = makeColumns(textOf, this.#errors);
  }

  /** As many rows from `place` on as there is room for; it is moved on. */
  add(part: FinishedColumns, place: Place): void {
    const { columns } = this;
    const from = place.row;
    const to = Math.min(part.length, from + ROWS_A_GROUP - this.rows);
    columns.name.values.append(part.fn.subarray(from, to));
    columns.group.values.append(part.group.subarray(from, to));
    columns.worker.values.append(part.worker.subarray(from, to));
    columns.type.values.append(part.type.subarray(from, to));
    columns.status.values.append(part.status.subarray(from, to));
    columns.needs.values.append(part.needs.subarray(from, to));
    for (let row = from; row < to; row++) {
      columns.key.push(part.keys[row]!);
      columns.past.values.push(part.past ? 1 : 0);
      columns.thread.values.push(isWhole(part.thread[row]!) ? Math.round(part.thread[row]!) : 0);
      const nbytes = part.nbytes[row]!;
      if (columns.nbytes.maybe(isWhole(nbytes))) columns.nbytes.values.push(Math.round(nbytes));
      const ready = micros(part.ready[row]!);
      if (columns.ready.maybe(ready > 0)) columns.ready.values.push(ready);
      this.#error(part, row);
      this.#startstops(part, place.slice, part.startstops[row]!);
      place.slice += part.startstops[row]!;
      this.#dependencies(part, place.link, part.dependencies[row]!);
      place.link += part.dependencies[row]!;
    }
    this.rows += to - from;
    place.row = to;
  }

  clear(): void {
    this.rows = 0;
    for (const column of Object.values(this.columns)) column.clear();
    this.#errors.clear();
  }

  #error(part: FinishedColumns, row: number): void {
    const { exception, traceback } = this.columns;
    const error = part.errors.get(row);
    if (exception.maybe(error !== undefined)) exception.values.push(this.#errors.add(error!.exception));
    if (traceback.maybe(error !== undefined)) traceback.values.push(this.#errors.add(error!.traceback));
  }

  #startstops(part: FinishedColumns, first: number, count: number): void {
    const { start, stop, actions, starts, stops, sources } = this.columns;
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < count; i++) {
      const began = micros(part.start[first + i]!);
      const ended = micros(part.stop[first + i]!);
      const origin = part.origin[first + i]!;
      if (began < least) least = began;
      if (ended > most) most = ended;
      actions.inList(i, 1);
      actions.values.push(part.action[first + i]!);
      starts.inList(i, 1);
      starts.values.push(began);
      stops.inList(i, 1);
      stops.values.push(ended);
      sources.inList(i, origin === 0 ? 1 : 2);
      if (origin !== 0) sources.values.push(origin);
    }
    if (start.maybe(count > 0)) start.values.push(least);
    if (stop.maybe(count > 0)) stop.values.push(most);
    if (count === 0) for (const column of [actions, starts, stops, sources]) column.inList(0, 0);
  }

  #dependencies({ back }: FinishedColumns, first: number, count: number): void {
    const { dependencies } = this.columns;
    for (let i = 0; i < count; i++) {
      dependencies.inList(i, 1);
      dependencies.values.push(back[first + i]!);
    }
    if (count === 0) dependencies.inList(0, 0);
  }
}

type Columns = ReturnType<typeof makeColumns>;

/** In the order of the schema. Of threads, sizes and needs it depends on the cluster whether they are few. */
function makeColumns(textOf: Tables['textOf'], errors: ErrorTexts) {
  const words = (table: Parameters<Tables['textOf']>[0]): WordColumn => {
    const known: Uint8Array[] = [];
    return new WordColumn((word) => (known[word] ??= Buffer.from(textOf(table, word))));
  };
  return {
    key: new TextColumn(),
    name: words('function'),
    group: words('group'),
    worker: words('worker'),
    thread: new WholeColumn({ words: true }),
    status: new WordColumn((word) => STATUSES[word]!),
    start: new WholeColumn({ words: false }),
    stop: new WholeColumn({ words: false }),
    nbytes: new WholeColumn({ words: true }),
    type: words('type'),
    actions: new WordColumn((word) => ACTION_TEXTS[word]!),
    starts: new WholeColumn({ words: false }),
    stops: new WholeColumn({ words: false }),
    sources: words('worker'),
    exception: new WordColumn(errors.at),
    traceback: new WordColumn(errors.at),
    past: new FlagColumn(),
    ready: new WholeColumn({ words: false }),
    needs: new WholeColumn({ words: true }),
    dependencies: new WholeColumn({ words: false }),
  };
}

/** Texts of errors, each once: tasks that err do so alike. */
class ErrorTexts {
  readonly #words = new Map<string, number>();
  #texts: Uint8Array[] = [];

  add(text: string): number {
    const known = this.#words.get(text);
    if (known !== undefined) return known;
    this.#words.set(text, this.#texts.length);
    return this.#texts.push(Buffer.from(text)) - 1;
  }

  readonly at = (word: number): Uint8Array => this.#texts[word]!;

  clear(): void {
    this.#words.clear();
    this.#texts = [];
  }
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(Math.round(value));
}

/** A time that is none is 0, as it is for the store, which then takes the time of the tick. */
function micros(seconds: number): number {
  const value = toMicros(seconds);
  return value > 0 && Number.isSafeInteger(value) ? value : 0;
}
