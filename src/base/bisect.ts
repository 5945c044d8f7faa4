/** The first index in the sorted `column[lo, hi)` whose value is >= `value`; `hi` when there is none. */
export function lowerBound(column: ArrayLike<number>, value: number, lo = 0, hi = column.length): number {
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (column[mid]! < value) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}
