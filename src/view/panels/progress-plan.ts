/** How many bars fit, and in how many columns. */
export interface ProgressPlan {
  readonly columns: number;
  /** Bars that are drawn, the largest ones; the rest is counted. */
  readonly shown: number;
}

export const PROGRESS_ROW = 25;
/** Narrower than this and a bar says nothing. */
const NARROWEST = 230;
/** Rows where the panel's height follows its content. */
const ROWS_OF_A_PHONE = 12;

/**
 * Bars get narrower as functions get more: another column appears when the rows of the present ones are full, until
 * columns are as narrow as can be read. `height` null: the panel grows with its content.
 */
export function planProgress(width: number, height: number | null, functions: number): ProgressPlan {
  const widest = Math.max(1, Math.floor(width / NARROWEST));
  const fitting = (room: number) => Math.max(1, Math.floor(room / PROGRESS_ROW));
  let rows = height === null ? ROWS_OF_A_PHONE : fitting(height);
  // The line that counts the rest takes a row of its own.
  if (functions > rows * widest && height !== null) rows = fitting(height - PROGRESS_ROW);
  const columns = Math.min(widest, Math.max(1, Math.ceil(functions / rows)));
  return { columns, shown: Math.min(functions, rows * columns) };
}
