import { toMicros } from '../../model/units.ts';
import { type ArrowField, type ArrowType, type ArrowValue, ArrowWriter } from './arrow-write.ts';
import type { RecordedTask } from './recorded-task.ts';

const TEXT: ArrowType = { kind: 'text' };
const WHOLE: ArrowType = { kind: 'whole' };
const TIME: ArrowType = { kind: 'time' };
const field = (name: string, type: ArrowType, nullable = false): ArrowField => ({ name, type, nullable });

const SLICE: ArrowType = {
  kind: 'struct',
  fields: [field('action', TEXT), field('start', TIME), field('stop', TIME), field('source', TEXT, true)],
};
/** The columns of the Parquet files, in their order. */
const FIELDS: readonly ArrowField[] = [
  field('key', TEXT),
  field('name', TEXT),
  field('group', TEXT),
  field('worker', TEXT),
  field('thread', WHOLE),
  field('status', TEXT),
  field('start', TIME, true),
  field('stop', TIME, true),
  field('nbytes', WHOLE, true),
  field('type', TEXT),
  field('startstops', { kind: 'list', of: field('item', SLICE) }),
  field('exception', TEXT, true),
  field('traceback', TEXT, true),
  field('past', { kind: 'flag' }),
  field('ready', TIME, true),
  field('needs', WHOLE),
  field('dependencies', { kind: 'list', of: field('item', WHOLE) }),
];
const ROWS_A_BATCH = 8_192;

/** Tasks as an Arrow file, batch by batch. */
export class ArrowTasks {
  readonly #writer = new ArrowWriter(FIELDS);
  #rows: RecordedTask[] = [];

  begin(): Uint8Array {
    return this.#writer.begin();
  }

  /** The next bytes of the file, or null when there are none yet. */
  add(task: RecordedTask): Uint8Array | null {
    this.#rows.push(task);
    return this.#rows.length < ROWS_A_BATCH ? null : this.#batch();
  }

  /** The last bytes. */
  *end(): Generator<Uint8Array> {
    if (this.#rows.length > 0) yield this.#batch();
    yield this.#writer.finish();
  }

  #batch(): Uint8Array {
    const rows = this.#rows;
    this.#rows = [];
    return this.#writer.batch(FIELDS.map(({ name }) => rows.map((task) => cellOf(task, name))));
  }
}

function cellOf(task: RecordedTask, name: string): ArrowValue {
  switch (name) {
    case 'thread':
    case 'nbytes': {
      const value = task[name];
      return value !== null && Number.isSafeInteger(Math.round(value)) ? Math.round(value) : null;
    }
    case 'start':
    case 'stop':
    case 'ready': {
      const value = task[name];
      return value === null ? null : timeOf(value);
    }
    case 'startstops':
      return task.startstops.map(({ action, start, stop, source }) => ({
        action,
        start: timeOf(start),
        stop: timeOf(stop),
        source: source ?? null,
      }));
    default:
      return (task as unknown as Readonly<Record<string, ArrowValue | undefined>>)[name] ?? null;
  }
}

/** A time that is none is 0, as in the Parquet files. */
function timeOf(seconds: number): number {
  const micros = toMicros(seconds);
  return micros > 0 && Number.isSafeInteger(micros) ? micros : 0;
}
