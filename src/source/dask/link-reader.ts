import { makeColumns } from '../../model/finished-columns.ts';
import type { FinishedColumns } from '../../model/source-event.ts';
import { broken, f64, num, u16, u32 } from './columns.ts';
import type { Value } from './comm/msgpack.ts';

type Links = Pick<FinishedColumns, 'ready' | 'needs' | 'dependencies' | 'back'>;

/**
 * Reads what tasks waited for. The agent numbers its records, and says of dependencies how many records before they are. Where it gave
 * some up, or other rows came in between, that is not the number of rows here: dependencies from before that are left out.
 */
export class LinkReader {
  /** The agent's number of the record that comes next, and of the first since which all came here, and nothing else; NaN: of none. */
  #next = Number.NaN;
  #since = Number.NaN;

  /** `past`: these rows finished before the agent came, and do not count. */
  read(message: { readonly [key: string]: Value }, length: number, past: boolean): Links {
    const first = num(message.first);
    if (past || Number.isNaN(first)) {
      if (!past) this.#next = Number.NaN;
      const { ready, needs, dependencies, back } = makeColumns(length, 0, past);
      return { ready, needs, dependencies, back };
    }
    if (this.#next !== first) this.#since = first;
    this.#next = first + length;
    const ready = f64(message.ready, length);
    for (let row = 0; row < length; row++) if (!(ready[row]! > 0)) ready[row] = Number.NaN;
    const needs = u32(message.needs, length);
    const dependencies = u16(message.dependencies, length);
    const told = u32(message.back);
    let from = 0;
    let kept = 0;
    for (let row = 0; row < length; row++) {
      const most = first + row - this.#since;
      const end = from + dependencies[row]!;
      if (end > told.length) return broken('dependencies that are not there');
      dependencies[row] = 0;
      for (; from < end; from++) {
        const rows = told[from]!;
        if (rows === 0 || rows > most) continue;
        told[kept++] = rows;
        dependencies[row]!++;
      }
    }
    return { ready, needs, dependencies, back: told.slice(0, kept) };
  }
}
