import type { TaskError } from '../../model/source-event.ts';
import type { RecordIndex } from '../../model/units.ts';
import { PackedColumn } from '../paging/packed-column.ts';
import { Pager } from '../paging/pager.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';
import { PagedStrings } from './paged-strings.ts';

/** Texts that are known again, so that they are kept once: of the last so many. */
const KNOWN = 65_536;

/** What went wrong with records, for all of history: texts in pages, each once, and which of them belong to a record. */
export class RecordErrors {
  readonly #texts: PagedStrings;
  /** Records that erred, ascending, each with the indices of its texts. */
  readonly #records: PackedColumn;
  readonly #exceptions: PackedColumn;
  readonly #tracebacks: PackedColumn;
  /** Errors and texts before these were given up. */
  #dropped = 0;
  #droppedTexts = 0;

  constructor(pager = new Pager()) {
    this.#texts = new PagedStrings(pager, { known: KNOWN });
    this.#records = new PackedColumn(32, pager);
    this.#exceptions = new PackedColumn(32, pager);
    this.#tracebacks = new PackedColumn(32, pager);
  }

  /** Of a record after all that have one. */
  push(record: RecordIndex, { exception, traceback }: TaskError): void {
    this.#records.push(record);
    this.#exceptions.push(this.#texts.intern(exception));
    this.#tracebacks.push(this.#texts.intern(traceback));
  }

  at(record: RecordIndex): TaskError | undefined {
    const row = this.#rowOf(record);
    if (row < this.#dropped || this.#records.at(row) !== record) return undefined;
    const exception = this.#exceptions.at(row);
    if (exception < this.#droppedTexts) return undefined;
    const traceback = this.#tracebacks.at(row);
    return {
      exception: this.#texts.at(exception),
      traceback: traceback < this.#droppedTexts ? '' : this.#texts.at(traceback),
    };
  }

  /** Records of which it is known what went wrong, ascending. */
  *records(): Generator<RecordIndex> {
    for (let row = this.#dropped; row < this.#records.length; row++) {
      // Given up meanwhile.
      if (row >= this.#dropped) yield this.#records.at(row);
    }
  }

  /** A test of what a record's exception says, which asks about each text once. Records without one fail it. */
  asker(test: (text: string) => boolean): (record: RecordIndex) => boolean {
    const answers = new Map<number, boolean>();
    return (record) => {
      const row = this.#rowOf(record);
      if (row < this.#dropped || this.#records.at(row) !== record) return test('');
      const text = this.#exceptions.at(row);
      let answer = answers.get(text);
      if (answer === undefined) {
        answer = test(text < this.#droppedTexts ? '' : this.#texts.at(text));
        if (answers.size >= KNOWN) answers.clear();
        answers.set(text, answer);
      }
      return answer;
    };
  }

  /** Gives up those of the records before `end`, and the texts that came with them. */
  drop(end: RecordIndex): void {
    if (this.#records.length === 0) return;
    const last = this.#rowOf(end - 1);
    for (let row = this.#dropped; row <= last; row++) {
      this.#droppedTexts = Math.max(this.#droppedTexts, this.#exceptions.at(row) + 1, this.#tracebacks.at(row) + 1);
    }
    this.#dropped = Math.max(this.#dropped, last + 1);
    this.#texts.drop(this.#droppedTexts);
    for (const column of [this.#records, this.#exceptions, this.#tracebacks]) column.drop(this.#dropped);
  }

  save(into: StateWriter): void {
    into.numbers([this.#records.length, this.#dropped, this.#droppedTexts]);
    if (this.#records.length === 0) return;
    for (const part of [this.#texts, this.#records, this.#exceptions, this.#tracebacks]) part.save(into);
  }

  load(from: StateReader): void {
    const [length = 0, dropped = 0, droppedTexts = 0] = from.numbers();
    this.#dropped = dropped;
    this.#droppedTexts = droppedTexts;
    if (length === 0) return;
    for (const part of [this.#texts, this.#records, this.#exceptions, this.#tracebacks]) part.load(from);
    this.#texts.drop(droppedTexts);
  }

  /** The last row of a record that is not after this one; -1 where there is none. */
  #rowOf(record: RecordIndex): number {
    let low = this.#dropped - 1;
    let high = this.#records.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#records.at(middle) <= record) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
