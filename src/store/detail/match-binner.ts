import { matchedCategory } from '../../model/task-state.ts';
import type { Micros } from '../../model/units.ts';
import { type Grid, ShareBinner, type ShareSink } from './shares.ts';
import type { RecordTest, Slices } from './slices.ts';

/**
 * As {@link ShareBinner}, with what belongs to records that match told apart from the rest. What matches is added up from its
 * slices; the rest is all that was busy less that, so it is there too where slices were given up and summaries are left.
 */
export class MatchBinner {
  readonly #matching = new ShareBinner();
  readonly #all = new ShareBinner();
  /** What matches, by bin and category: three columns, used again for each track. */
  readonly #bins: number[] = [];
  readonly #categories: number[] = [];
  readonly #micros: number[] = [];

  /** `sink` gets entries sorted by bin and category. Returns how many rows it went through. */
  bin(
    slices: Slices,
    track: number,
    grid: Grid,
    from: number,
    functions: ReadonlySet<number> | null,
    matches: RecordTest,
    sink: ShareSink,
  ): number {
    const bins = this.#bins;
    const categories = this.#categories;
    const micros = this.#micros;
    bins.length = categories.length = micros.length = 0;
    const keep = (bin: number, category: number, busy: Micros): void => {
      bins.push(bin);
      categories.push(category);
      micros.push(busy);
    };
    const rows = this.#matching.bin(slices, track, grid, from, functions, keep, matches);
    let told = 0;
    let next = 0;
    const rest: ShareSink = (bin, category, busy) => {
      // Categories of what does not match are the greater ones.
      for (; bins[told] === bin; told++) sink(bin, matchedCategory(categories[told]!, true), micros[told]!);
      const matching = bins[next] === bin && categories[next] === category ? micros[next++]! : 0;
      if (busy > matching) sink(bin, matchedCategory(category, false), busy - matching);
    };
    return rows + this.#all.bin(slices, track, grid, from, functions, rest);
  }
}
