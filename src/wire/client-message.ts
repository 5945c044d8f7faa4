import { TaskglassError } from '../base/errors.ts';
import {
  FIRST_GROUP,
  type GroupQuery,
  groupSize,
  MAX_LEVEL,
  MIN_LEVEL,
  MOST_SPEED,
  type WindowFilter,
  type WindowQuery,
} from '../model/batch.ts';
import { RECORD_STATUSES } from '../model/task-state.ts';
import {
  type ClientMessage,
  MAX_CLIENT_MESSAGE,
  MAX_FUNCTIONS,
  MAX_GROUPED,
  MAX_GROUPS,
  MAX_TRACKS,
  TOPICS,
  type Topic,
} from './message.ts';

/** Slices that a window may be answered with, at most. */
export const MAX_SLICES = 48_000;
/** Longest part of a key that a filter may name, characters. */
const MAX_TEXT = 1_000;

export function stringifyClientMessage(message: ClientMessage): string {
  return JSON.stringify(message);
}

/** Checks everything a page sends. Throws WIRE_MALFORMED with the field that is wrong. */
export function parseClientMessage(text: string): ClientMessage {
  if (text.length > MAX_CLIENT_MESSAGE) throw bad(`longer than ${MAX_CLIENT_MESSAGE} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TaskglassError('WIRE_MALFORMED', 'it is not JSON', { cause: error });
  }
  const message = asObject(value, 'message');
  switch (message.kind) {
    case 'hello':
      return { kind: 'hello', version: asCount(message.version, 'version') };
    case 'subscribe':
      return { kind: 'subscribe', topics: asArray(message.topics, 'topics', TOPICS.length).map(asTopic) };
    case 'window':
      return { kind: 'window', id: asCount(message.id, 'id'), query: asQuery(message.query) };
    case 'close-window':
      return { kind: 'close-window', id: asCount(message.id, 'id') };
    case 'playhead':
      return { kind: 'playhead', time: asMoment(message.time), speed: asSpeed(message.speed) };
    case 'ping':
      return { kind: 'ping', id: asCount(message.id, 'id') };
    default:
      throw bad(`kind ${JSON.stringify(message.kind)?.slice(0, 40)}`);
  }
}

function asQuery(value: unknown): WindowQuery {
  const query = asObject(value, 'query');
  const since = asTime(query.since, 'query.since');
  const until = query.until === null ? null : asTime(query.until, 'query.until');
  if (until !== null && until < since) throw bad('query.until lies before query.since');
  const level = asCount(query.level, 'query.level');
  if (level < MIN_LEVEL || level > MAX_LEVEL) throw bad(`query.level must be ${MIN_LEVEL} to ${MAX_LEVEL}`);
  const functions =
    query.functions === null
      ? null
      : asArray(query.functions, 'query.functions', MAX_FUNCTIONS).map((fn) => asCount(fn, 'query.functions'));
  const tracks =
    query.tracks === undefined || query.tracks === null
      ? null
      : asArray(query.tracks, 'query.tracks', MAX_TRACKS).map((track) => asCount(track, 'query.tracks'));
  const maxSlices = Math.min(asCount(query.maxSlices, 'query.maxSlices'), MAX_SLICES);
  const groups =
    query.groups === undefined
      ? null
      : asArray(query.groups, 'query.groups', MAX_GROUPS).map((group) => asGroup(group));
  if (groups !== null && groups.reduce((sum, group) => sum + groupSize(group), 0) > MAX_GROUPED)
    throw bad(`query.groups has more than ${MAX_GROUPED} tracks`);
  return {
    since,
    until,
    level,
    functions,
    ...(tracks === null ? {} : { tracks }),
    ...(groups === null ? {} : { groups }),
    ...(query.filter === undefined ? {} : { filter: asFilter(query.filter) }),
    maxSlices,
    ...(query.quick === true && { quick: true }),
  };
}

function asFilter(value: unknown): WindowFilter {
  const filter = asObject(value, 'query.filter');
  const status = RECORD_STATUSES.find((one) => one === filter.status);
  if (filter.status !== undefined && status === undefined) throw bad('query.filter.status');
  const { text } = filter;
  if (text !== undefined && (typeof text !== 'string' || text.length > MAX_TEXT)) throw bad('query.filter.text');
  const { regex } = filter;
  if (regex !== undefined && (regex !== true || text === undefined)) throw bad('query.filter.regex');
  return {
    ...(status !== undefined && { status }),
    ...(filter.minDuration !== undefined && {
      minDuration: asDuration(filter.minDuration, 'query.filter.minDuration'),
    }),
    ...(filter.maxDuration !== undefined && {
      maxDuration: asDuration(filter.maxDuration, 'query.filter.maxDuration'),
    }),
    ...(text !== undefined && { text }),
    ...(regex === true && { regex }),
  };
}

function asGroup(value: unknown): GroupQuery {
  const group = asObject(value, 'query.groups');
  const row = asCount(group.row, 'query.groups.row');
  if (row < FIRST_GROUP || row > 0xffff_ffff) throw bad(`query.groups.row must be from ${FIRST_GROUP} up`);
  const ranges = asArray(group.ranges, 'query.groups.ranges', MAX_TRACKS).map((at) =>
    asCount(at, 'query.groups.ranges'),
  );
  const ascends = ranges.length % 2 === 0 && ranges.every((at, i) => i === 0 || at >= ranges[i - 1]!);
  if (!ascends || (ranges.at(-1) ?? 0) > FIRST_GROUP) throw bad('query.groups.ranges does not ascend in pairs');
  return { row, ranges };
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(`${what} is not an object`);
  return value as Record<string, unknown>;
}

function asArray(value: unknown, what: string, limit: number): unknown[] {
  if (!Array.isArray(value)) throw bad(`${what} is not a list`);
  if (value.length > limit) throw bad(`${what} has more than ${limit} entries`);
  return value;
}

function asCount(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw bad(`${what} is not a whole number from 0 up`);
  return value as number;
}

function asTime(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw bad(`${what} is not whole microseconds`);
  return value;
}

function asMoment(value: unknown): number | null {
  if (value === null) return null;
  if (typeof value !== 'number' || !(value >= 0 && value < 1e11)) throw bad('time is no time in seconds since epoch');
  return value;
}

function asDuration(value: unknown, what: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value < 1e11)) throw bad(`${what} is no time in seconds`);
  return value;
}

function asSpeed(value: unknown): number {
  if (value === undefined || value === 0) return 0;
  if (typeof value !== 'number' || !(value >= 1 && value <= MOST_SPEED)) {
    throw bad(`speed is neither 0 nor 1 to ${MOST_SPEED}`);
  }
  return value;
}

function asTopic(value: unknown): Topic {
  if (!TOPICS.includes(value as Topic)) throw bad(`topic ${JSON.stringify(value)?.slice(0, 40)}`);
  return value as Topic;
}

function bad(what: string): TaskglassError {
  return new TaskglassError('WIRE_MALFORMED', what);
}
