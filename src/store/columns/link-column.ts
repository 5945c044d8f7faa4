import type { RecordIndex } from '../../model/units.ts';
import { PackedColumn } from '../paging/packed-column.ts';
import { Pager } from '../paging/pager.ts';
import type { StateReader, StateWriter } from '../paging/state.ts';

/** Records whose dependencies are found from one place: counts are added up from there. */
const STRIDE = 64;

/** Per record, the records of its dependencies: an append-only column of short lists, kept as distances. */
export class LinkColumn {
  readonly #counts: PackedColumn;
  readonly #back: PackedColumn;
  /** Where the distances of each STRIDE-th record begin. */
  readonly #begins: PackedColumn;

  constructor(pager = new Pager()) {
    this.#counts = new PackedColumn(8, pager);
    this.#back = new PackedColumn(16, pager);
    this.#begins = new PackedColumn(32, pager);
  }

  get length(): number {
    return this.#counts.length;
  }

  get bytes(): number {
    return this.#counts.bytes + this.#back.bytes + this.#begins.bytes;
  }

  /** Gives up what lies before a record, nearly: they read as depending on nothing. */
  drop(end: RecordIndex): void {
    if (end >= this.length) return;
    this.#counts.drop(end);
    this.#back.drop(this.#begins.at(Math.floor(end / STRIDE)));
  }

  save(into: StateWriter): void {
    for (const column of [this.#counts, this.#back, this.#begins]) column.save(into);
  }

  load(from: StateReader): void {
    for (const column of [this.#counts, this.#back, this.#begins]) column.load(from);
  }

  /** The next record's. Each stands before it. */
  push(dependencies: readonly RecordIndex[]): void {
    const record = this.#counts.length;
    if (record % STRIDE === 0) this.#begins.push(this.#back.length);
    this.#counts.push(dependencies.length);
    for (const dependency of dependencies) this.#back.push(record - dependency);
  }

  at(record: RecordIndex): RecordIndex[] {
    const stride = Math.floor(record / STRIDE);
    let at = this.#begins.at(stride);
    for (let before = stride * STRIDE; before < record; before++) at += this.#counts.at(before);
    return Array.from({ length: this.#counts.at(record) }, (_, i) => record - this.#back.at(at + i));
  }

  /** Those of the records [from, to) that depend on `record`. */
  dependents(record: RecordIndex, from: RecordIndex, to: RecordIndex): RecordIndex[] {
    const found: RecordIndex[] = [];
    if (from >= to) return found;
    const stride = Math.floor(from / STRIDE);
    let at = this.#begins.at(stride);
    for (let each = stride * STRIDE; each < to; each++) {
      const end = at + this.#counts.at(each);
      let depends = false;
      for (; at < end; at++) depends ||= each - this.#back.at(at) === record;
      if (depends && each >= from) found.push(each);
    }
    return found;
  }
}
