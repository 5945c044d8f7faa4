import { ERRORS, type ErrorCode, TaskglassError } from '../base/errors.ts';

/** An RFC 9457 problem document. `code` is the stable part; see docs/errors.md. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly advice: string;
}

export const PROBLEM_JSON = 'application/problem+json; charset=utf-8';

export function problemOf(error: TaskglassError): Problem {
  const { title, status, advice } = ERRORS[error.code];
  return { type: `urn:taskglass:error:${error.code}`, title, status, code: error.code, detail: error.detail, advice };
}

/** What a thrown value is answered with. Only coded errors say anything of themselves: the rest goes to the log alone. */
export function codedError(error: unknown): TaskglassError {
  if (error instanceof TaskglassError) return error;
  const { statusCode, code } = (error ?? {}) as { statusCode?: unknown; code?: unknown };
  if (statusCode === 413) return new TaskglassError('BODY_TOO_LARGE', 'the body is longer than this server reads');
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new TaskglassError(
      'QUERY_INVALID',
      typeof code === 'string' ? `the request is malformed (${code})` : 'the request is malformed',
    );
  }
  return new TaskglassError('INTERNAL', 'an unexpected error; the log of the process has it');
}
