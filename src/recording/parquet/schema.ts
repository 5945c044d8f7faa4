import type { SchemaElement } from 'hyparquet-writer';

const required = { repetition_type: 'REQUIRED' } as const;
const optional = { repetition_type: 'OPTIONAL' } as const;
const textColumn = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
const wholeColumn = { type: 'INT64' } as const;
const timeColumn = {
  type: 'INT64',
  converted_type: 'TIMESTAMP_MICROS',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
} as const;
const list = (name: string): SchemaElement[] => [
  { name, converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1, ...required },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
];

/** Dask's words, as in the HTTP API; times are UTC in whole microseconds. */
export const SCHEMA: SchemaElement[] = [
  { name: 'schema', num_children: 17 },
  { name: 'key', ...textColumn, ...required },
  { name: 'name', ...textColumn, ...required },
  { name: 'group', ...textColumn, ...required },
  { name: 'worker', ...textColumn, ...required },
  { name: 'thread', ...wholeColumn, ...required },
  { name: 'status', ...textColumn, ...required },
  { name: 'start', ...timeColumn, ...optional },
  { name: 'stop', ...timeColumn, ...optional },
  { name: 'nbytes', ...wholeColumn, ...optional },
  { name: 'type', ...textColumn, ...required },
  ...list('startstops'),
  { name: 'element', num_children: 4, ...required },
  { name: 'action', ...textColumn, ...required },
  { name: 'start', ...timeColumn, ...required },
  { name: 'stop', ...timeColumn, ...required },
  { name: 'source', ...textColumn, ...optional },
  { name: 'exception', ...textColumn, ...optional },
  { name: 'traceback', ...textColumn, ...optional },
  { name: 'past', type: 'BOOLEAN', ...required },
  { name: 'ready', ...timeColumn, ...optional },
  { name: 'needs', ...wholeColumn, ...required },
  ...list('dependencies'),
  { name: 'element', ...wholeColumn, ...required },
];

/** The ways from the root to each column of values, in the order of the file. */
export function schemaPaths(): SchemaElement[][] {
  const paths: SchemaElement[][] = [];
  let at = 0;
  const visit = (above: readonly SchemaElement[]): void => {
    const element = SCHEMA[at++]!;
    const path = [...above, element];
    if (element.num_children === undefined) paths.push(path);
    for (let child = 0; child < (element.num_children ?? 0); child++) visit(path);
  };
  visit([]);
  return paths;
}
