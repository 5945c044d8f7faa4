import path from 'node:path';
import { TaskglassError } from '../../base/errors.ts';
import type { AgentMode, ClusterEvent, EngineKind } from '../../model/source-event.ts';
import { AGENT_MODES, ENGINE_KINDS } from '../../model/source-event.ts';
import type { Seconds } from '../../model/units.ts';

/**
 * A recording is a directory; `docs/recording.md` describes it. Its format has one number: what is newer is refused by name, what
 * is older would be upgraded one step at a time.
 */
export const FORMAT_VERSION = 1;
const FORMAT_NAME = 'taskglass recording';

export const MANIFEST = 'recording.json';
/** Holds nothing else than sealed Parquet files, so that it can be read as one table. */
export const TASKS = 'tasks';
export const EVENTS = 'events';
export const JOURNAL = 'journal';
export const LOCK = 'lock';
/** An empty file that keeps a recording from being deleted by age, size or count. */
export const PINNED = 'pinned';

export interface Manifest {
  readonly engine: EngineKind;
  readonly address: string;
  /** The scheduler's id. */
  readonly id: string;
  readonly version: string;
  /** When the scheduler began. */
  readonly started: Seconds;
  readonly mode: AgentMode;
  /** When the recording began, in the scheduler's clock. */
  readonly since: Seconds;
}

export function manifestOf(event: ClusterEvent): Manifest {
  const { engine, address, id, version, started, mode, time } = event;
  return { engine, address, id, version, started, mode, since: time };
}

export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify({ format: FORMAT_NAME, formatVersion: FORMAT_VERSION, ...manifest }, null, 2)}\n`;
}

/** @throws NOT_A_RECORDING, RECORDING_VERSION */
export function parseManifest(text: string, file: string): Manifest {
  const value = parseObject(text);
  if (value?.format !== FORMAT_NAME) throw new TaskglassError('NOT_A_RECORDING', `${file} does not describe one`);
  requireVersion(value.formatVersion, file);
  const manifest = checkManifest(value);
  if (manifest === null) throw new TaskglassError('NOT_A_RECORDING', `${file} does not say what was recorded`);
  return manifest;
}

/** Null where a part is missing. */
export function checkManifest(value: Readonly<Record<string, unknown>>): Manifest | null {
  const engine = ENGINE_KINDS.find((kind) => kind === value.engine);
  const mode = AGENT_MODES.find((kind) => kind === value.mode);
  const { address, id, version, started, since } = value;
  if (engine === undefined || mode === undefined) return null;
  if (typeof address !== 'string' || typeof id !== 'string' || typeof version !== 'string') return null;
  if (typeof started !== 'number' || typeof since !== 'number') return null;
  return { engine, mode, address, id, version, started, since };
}

/** @throws NOT_A_RECORDING, RECORDING_VERSION */
export function requireVersion(version: unknown, file: string): void {
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) {
    throw new TaskglassError('NOT_A_RECORDING', `${file} names no version of the format`);
  }
  if (version > FORMAT_VERSION) {
    throw new TaskglassError('RECORDING_VERSION', `${file} is of format ${version}; this is format ${FORMAT_VERSION}`);
  }
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Files of segment `number`, which count from 1. */
export const tasksFile = (directory: string, number: number): string =>
  path.join(directory, TASKS, `${padded(number)}.parquet`);
export const eventsFile = (directory: string, number: number): string =>
  path.join(directory, EVENTS, `${padded(number)}.events`);
export const journalFile = (directory: string, number: number): string =>
  path.join(directory, JOURNAL, `${padded(number)}.journal`);

/** The number in the name of a segment's file, or null. */
export function numberOf(name: string): number | null {
  const match = /^(\d{6,9})\.(parquet|events|journal)$/.exec(name);
  return match === null ? null : Number(match[1]);
}

function padded(number: number): string {
  return String(number).padStart(6, '0');
}
