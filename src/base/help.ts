import type { ErrorCode } from './errors.ts';

/**
 * The parts of docs/troubleshooting.md that pages and errors lead to, by the ids of their headings. Every server of ours
 * serves that document beside its pages, so that it is there where there is no other network.
 */
export const HELP_SECTIONS = [
  'the-server-does-not-answer',
  'that-port-is-taken',
  'another-port',
  'forwarding-a-port-over-ssh',
  'requests-from-other-sites-are-refused',
  'a-token-is-needed',
  'it-is-not-reached',
  'the-scheduler',
  'the-scheduler-did-not-let-us-watch-it',
  'the-scheduler-answers-late',
  'versions-of-dask',
  'that-process-serves-no-debug-pages',
  'the-page-and-the-server-are-of-different-versions',
] as const;

export type HelpSection = (typeof HELP_SECTIONS)[number];

/** Where an error has more to say than its advice. */
export const HELP_FOR: Readonly<Partial<Record<ErrorCode, HelpSection>>> = {
  CONNECTION_REFUSED: 'it-is-not-reached',
  HOST_UNREACHABLE: 'it-is-not-reached',
  CONNECT_TIMEOUT: 'it-is-not-reached',
  NOT_A_SCHEDULER: 'it-is-not-reached',
  AGENT_REFUSED: 'the-scheduler-did-not-let-us-watch-it',
  PROTOCOL_ERROR: 'versions-of-dask',
  DEBUG_UNAVAILABLE: 'that-process-serves-no-debug-pages',
  PORT_TAKEN: 'that-port-is-taken',
  PORT_FORBIDDEN: 'another-port',
  EXPOSED_WITHOUT_TOKEN: 'forwarding-a-port-over-ssh',
  ORIGIN_REFUSED: 'requests-from-other-sites-are-refused',
  TOKEN_REQUIRED: 'a-token-is-needed',
  WIRE_VERSION: 'the-page-and-the-server-are-of-different-versions',
};

/** For a code that came from elsewhere. */
export function helpFor(code: string | undefined): HelpSection | undefined {
  return code !== undefined && Object.hasOwn(HELP_FOR, code) ? HELP_FOR[code as ErrorCode] : undefined;
}

/** Its address, from where the pages are. */
export function helpPath(section: HelpSection): string {
  return `help/troubleshooting.html#${section}`;
}
