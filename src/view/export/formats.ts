/** What a history can be taken along as, and what for: `format` of `/api/v1/export`. */
export const EXPORT_FORMATS: readonly (readonly [format: string, name: string, what: string])[] = [
  ['html', 'HTML', 'these pages with the data inside, one file'],
  ['chrome', 'Trace', 'for Perfetto'],
  ['parquet', 'Parquet', 'for pandas, DuckDB'],
  ['arrow', 'Arrow', 'for pyarrow, Polars'],
  ['ndjson', 'ndjson', 'one task a line'],
  ['csv', 'CSV', 'for spreadsheets'],
];
