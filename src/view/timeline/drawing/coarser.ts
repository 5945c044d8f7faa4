import { FIRST_GROUP } from '../../../model/batch.ts';
import type { TrackShares, WindowData } from '../../../store/detail/window-data.ts';

/** Shares of a track as they came, and the same in wider bins. */
const kept = new WeakMap<TrackShares, { readonly wider: TrackShares; readonly by: number }>();

/** How many times 2 wider than they came bins are drawn, that are to be 2^least µs wide at least. */
export function widerBy(data: WindowData, row: number, least: number): number {
  return inShares(data, row) ? Math.max(0, least - data.level) : 0;
}

/** Whether a row is drawn as shares: what stands for many tracks always is. */
export function inShares(data: WindowData, row: number): boolean {
  return data.mode === 'shares' || (data.mode === 'slices' && row >= FIRST_GROUP);
}

/** The bins of a window, 2^by times as wide: number of the first one, and the width in µs. */
export function binsOf(
  { level, firstBin }: WindowData,
  by: number,
): { readonly first: number; readonly width: number } {
  return { first: Math.floor(firstBin / 2 ** by), width: 2 ** (level + by) };
}

/**
 * A track's shares in bins 2^by times as wide, exact like those that they are made of: what is drawn often, and differently each
 * time, has no more bins than can be seen. Kept as long as those are; from what is kept, wider ones are made.
 */
export function widenedOf(data: WindowData, track: number, by: number): TrackShares | undefined {
  const shares = data.sharesOf(track);
  if (shares === undefined || by === 0) return shares;
  const known = kept.get(shares);
  if (known?.by === by) return known.wider;
  const from = known !== undefined && known.by < by ? known : { wider: shares, by: 0 };
  const wider = merge(from.wider, binsOf(data, from.by).first, 2 ** (by - from.by));
  kept.set(shares, { wider, by });
  return wider;
}

/** Joins `ratio` bins each; the grid of both begins at time 0. */
function merge(of: TrackShares, firstBin: number, ratio: number): TrackShares {
  const { length, bin, category, busy, lanes } = of;
  const first = Math.floor(firstBin / ratio);
  const bins = new Uint16Array(length);
  const categories = new Uint16Array(length);
  const sums = new Float64Array(length);
  let count = 0;
  for (let i = 0; i < length; ) {
    const b = Math.floor((firstBin + bin[i]!) / ratio) - first;
    const end = (first + b + 1) * ratio - firstBin;
    const start = count;
    for (let at = start, last = -1; i < length && bin[i]! < end; i++) {
      // Categories ascend within each of the bins that are joined.
      if (bin[i] !== last) {
        last = bin[i]!;
        at = start;
      }
      const c = category[i]!;
      while (at < count && categories[at]! < c) at++;
      if (at < count && categories[at] === c) {
        sums[at]! += busy[i]!;
        continue;
      }
      for (let j = count; j > at; j--) {
        categories[j] = categories[j - 1]!;
        sums[j] = sums[j - 1]!;
      }
      bins[count] = b;
      categories[at] = c;
      sums[at] = busy[i]!;
      count++;
    }
  }
  return {
    length: count,
    bin: bins.slice(0, count),
    category: categories.slice(0, count),
    busy: sums.slice(0, count),
    lanes,
  };
}
