/**
 * Every error a user can meet, in one table: a stable code, what to say, what to do next. Docs, the CLI's exit
 * and the HTTP API's problem documents are made from it; `docs/errors.md` is tested against it.
 */
export const ERRORS = {
  // Attaching
  ADDRESS_INVALID: {
    status: 400,
    title: 'That is not a scheduler address',
    advice: 'Write it as tcp://HOST:PORT, for example tcp://127.0.0.1:8786.',
  },
  SCHEME_UNSUPPORTED: {
    status: 400,
    title: 'That kind of address is not supported',
    advice: 'Use a tcp:// or tls:// address. A scheduler prints its own as "Scheduler at: tcp://…".',
  },
  SCHEDULER_FILE_UNREADABLE: {
    status: 400,
    title: 'The scheduler file cannot be read',
    advice: 'Give the file that `dask scheduler --scheduler-file` writes, or add --wait to wait for it.',
  },
  CONNECTION_REFUSED: {
    status: 502,
    title: 'Nothing listens at that address',
    advice: 'Start the scheduler (`dask scheduler`), check the port, or add --wait to keep trying.',
  },
  HOST_NOT_FOUND: {
    status: 502,
    title: 'That host name is not known',
    advice: 'Check the spelling, or use the IP address that the scheduler prints.',
  },
  HOST_UNREACHABLE: {
    status: 502,
    title: 'That host cannot be reached',
    advice: 'Check the network and the firewall, or forward the port with ssh -L.',
  },
  CONNECT_TIMEOUT: {
    status: 504,
    title: 'The address did not answer in time',
    advice: 'The scheduler may still be starting or be stopped. Add --wait to keep trying.',
  },
  NOT_A_SCHEDULER: {
    status: 502,
    title: 'What answers there is not a Dask scheduler',
    advice: 'Use the scheduler address (usually port 8786), not the dashboard (8787) or a worker.',
  },
  TLS_FILES_MISSING: {
    status: 400,
    title: 'A tls:// address needs the CA of the cluster',
    advice: 'Add --tls-ca-file, --tls-cert and --tls-key, or set distributed.comm.tls in the configuration of Dask.',
  },
  TLS_FILE_UNREADABLE: {
    status: 400,
    title: 'A CA, certificate or key cannot be read',
    advice: 'Check the path and who may read it. It must be PEM text; a key must have no password.',
  },
  TLS_KEY_MISMATCH: {
    status: 400,
    title: 'The key does not belong to the certificate',
    advice: 'Give --tls-cert and --tls-key that were made together.',
  },
  TLS_UNTRUSTED: {
    status: 502,
    title: 'The certificate of the scheduler was not signed by the given CA',
    advice: 'Give the CA that the scheduler was started with as --tls-ca-file.',
  },
  TLS_HOST_MISMATCH: {
    status: 502,
    title: 'The certificate of the scheduler is for somebody else',
    advice: 'Check the address and --tls-server-name; left out, any certificate of the CA will do, as in Dask.',
  },
  TLS_EXPIRED: {
    status: 502,
    title: 'A certificate has expired or is not valid yet',
    advice: 'Renew it, and check the clocks of both machines. Files are read again at every attempt.',
  },
  TLS_CERT_MISSING: {
    status: 502,
    title: 'The scheduler asks for a certificate of ours',
    advice: 'Add --tls-cert and --tls-key: any certificate that the CA of the cluster signed will do.',
  },
  TLS_CERT_REFUSED: {
    status: 502,
    title: 'The scheduler does not accept our certificate',
    advice: 'Give a --tls-cert that the CA of the cluster signed.',
  },
  TLS_EXPECTED: {
    status: 502,
    title: 'What answers there speaks TLS',
    advice: 'Write the address as tls://HOST:PORT, and add --tls-ca-file, --tls-cert and --tls-key.',
  },
  TLS_NOT_SPOKEN: {
    status: 502,
    title: 'What answers there does not speak TLS',
    advice: 'A scheduler without TLS has an address that begins with tcp://.',
  },
  TLS_FAILED: {
    status: 502,
    title: 'No TLS connection could be agreed on',
    advice: 'TLS 1.2 or 1.3 is needed at both ends; the code of OpenSSL says more.',
  },
  DASK_CONFIG_INVALID: {
    status: 400,
    title: 'A configuration file of Dask cannot be read',
    advice: 'Mend the file, or give --tls-ca-file, --tls-cert and --tls-key.',
  },
  AGENT_REFUSED: {
    status: 502,
    title: 'The scheduler did not let us watch it',
    advice: 'Its configuration blocks even `identity`; remove it from distributed.scheduler.blocked-handlers.',
  },
  PROTOCOL_ERROR: {
    status: 502,
    title: 'The scheduler sent something that is not understood',
    advice: 'Please report this with the versions of Dask and Taskglass.',
  },
  LINK_CLOSED: {
    status: 502,
    title: 'The connection to the scheduler closed',
    advice: 'It is retried by itself; the page shows when it is back.',
  },
  DEBUG_UNAVAILABLE: {
    status: 404,
    title: 'That process serves no debug pages',
    advice: 'Install the Python package taskglass where the scheduler and the workers run, and start them again.',
  },
  DEBUG_TIMEOUT: {
    status: 504,
    title: 'That process did not answer in time',
    advice: 'It may be stopped, or busy with something that holds the interpreter. Try again.',
  },
  // Actions
  ACTIONS_NOT_ALLOWED: {
    status: 403,
    title: 'This server only watches',
    advice: 'Start it with --allow-actions (and a token) to act on the cluster from its pages.',
  },
  ACTIONS_WITHOUT_TOKEN: {
    status: 400,
    title: 'Acting on a cluster needs a token',
    advice: 'Add --token SECRET to --allow-actions, on this machine too; the command makes one where none is given.',
  },
  ACTION_FAILED: {
    status: 502,
    title: 'The cluster did not do that',
    advice: 'Its own words say why; the log of the scheduler may say more.',
  },
  AUDIT_FAILED: {
    status: 500,
    title: 'The audit log cannot be written',
    advice: 'Nothing is done that is not written down. Check the disk, or give another file with --audit-log.',
  },
  // Recordings
  NOT_A_RECORDING: {
    status: 400,
    title: 'That is no recording',
    advice: 'Give the folder of one recording: the one that holds recording.json.',
  },
  RECORDING_VERSION: {
    status: 400,
    title: 'That recording was made by a newer Taskglass',
    advice: 'Open it with that version or a later one.',
  },
  RECORDING_DAMAGED: {
    status: 500,
    title: 'A part of the recording cannot be read',
    advice: 'What lies before the damage is shown, and what comes after it from the next file on. Check the disk.',
  },
  RECORDING_FAILED: {
    status: 500,
    title: 'The recording cannot be written',
    advice: 'Free some disk space, choose another folder with --record-dir, or add --no-record.',
  },
  RECORDING_BUSY: {
    status: 409,
    title: 'Another process writes that recording',
    advice: 'Stop the other one, or add --no-record here.',
  },
  RECORDING_IN_USE: {
    status: 409,
    title: 'That recording is being written',
    advice: 'Delete it when the Taskglass that writes it has ended.',
  },
  RECORDINGS_OFF: {
    status: 404,
    title: 'This server has no folder of recordings',
    advice: 'Start it without --no-record, or name one with --record-dir.',
  },
  TOO_MANY_RECORDINGS: {
    status: 503,
    title: 'Too many recordings are open',
    advice: 'Close some of their pages and try again.',
  },
  // Command line
  PORT_TAKEN: {
    status: 500,
    title: 'That port is taken',
    advice: 'Choose another with --port N, or leave --port out and the next free one is used.',
  },
  PORT_FORBIDDEN: {
    status: 500,
    title: 'That address or port cannot be opened',
    advice: 'Ports below 1024 need privileges; --host must be an address of this machine.',
  },
  OPTION_INVALID: { status: 400, title: 'That option is not right', advice: 'Run taskglass --help.' },
  EXPOSED_WITHOUT_TOKEN: {
    status: 400,
    title: 'Serving to the network needs a token',
    advice: 'Add --token SECRET, not an empty one (or keep --host 127.0.0.1 and forward the port with ssh -L).',
  },
  TOKEN_TOO_SHORT: {
    status: 400,
    title: 'That token is too easy to guess',
    advice: 'Leave --token out and one is made, or give a longer one, like that of openssl rand -hex 16.',
  },
  HTTPS_FILE_UNREADABLE: {
    status: 400,
    title: 'The certificate or key for HTTPS cannot be read',
    advice:
      'Check --https-cert and --https-key and who may read them. They must be PEM text; a key without a password.',
  },
  HTTPS_KEY_MISMATCH: {
    status: 400,
    title: 'The key for HTTPS does not belong to its certificate',
    advice: 'Give --https-cert and --https-key that were made together; our own certificate comes first in its file.',
  },
  HTTPS_EXPIRED: {
    status: 400,
    title: 'The certificate for HTTPS is not valid today',
    advice: 'Renew it, or check the clock of this machine.',
  },
  PAGE_NOT_BUILT: { status: 500, title: 'The page has not been built', advice: 'Run npm run build.' },
  // HTTP API and page
  NOT_FOUND: { status: 404, title: 'There is nothing here', advice: 'See /api/v1/openapi.json for what there is.' },
  QUERY_INVALID: { status: 400, title: 'A query parameter is not right', advice: 'See /api/v1/openapi.json.' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'That method is not allowed here', advice: 'See /api/v1/openapi.json.' },
  HOST_REFUSED: {
    status: 403,
    title: 'This host name is not served',
    advice: 'Open the page under the address that Taskglass printed, or add --allow-host NAME.',
  },
  ORIGIN_REFUSED: {
    status: 403,
    title: 'Requests from other sites are refused',
    advice: 'Open the page itself instead of embedding it.',
  },
  TOKEN_REQUIRED: {
    status: 401,
    title: 'A token is needed',
    advice: 'Open the address with ?token=… that Taskglass printed at its start.',
  },
  LOGIN_REQUIRED: {
    status: 401,
    title: 'You are not logged in',
    advice: 'Open the page through the proxy that logs you in: only what --trusted-proxy names is believed.',
  },
  RATE_LIMITED: { status: 429, title: 'Too many requests', advice: 'Wait a minute and try again.' },
  UPGRADE_REQUIRED: {
    status: 426,
    title: 'This address speaks WebSocket',
    advice: 'Open it with a WebSocket client; /api/v1/openapi.json lists what answers plain requests.',
  },
  NO_CLUSTER: {
    status: 503,
    title: 'No cluster has been reached yet',
    advice: 'Wait until /health says that the link is connected, then ask again.',
  },
  SERVER_BUSY: {
    status: 503,
    title: 'Too many long answers are being read',
    advice: 'Wait some seconds and try again; ask for less at once, and read what is answered.',
  },
  TOO_MANY_EXPORTS: {
    status: 503,
    title: 'Too many exports are being made',
    advice: 'Wait until one of them is done and try again.',
  },
  RECORDING_UNREAD: {
    status: 503,
    title: 'The recording is still being read',
    advice: 'Try again when its pages say that it is read.',
  },
  TOO_MANY_VIEWERS: { status: 503, title: 'Too many pages are connected', advice: 'Close some of them and reload.' },
  VIEWER_TOO_SLOW: {
    status: 503,
    title: 'The page could not keep up with the server',
    advice: 'It connects again by itself; check the network between the two.',
  },
  NOT_RECORDED: {
    status: 409,
    title: 'There is no recording to look back in',
    advice: 'Start Taskglass without --no-record: what is written down from then on can be looked at again.',
  },
  MOMENTS_FULL: {
    status: 503,
    title: 'Too many pages look at the past',
    advice: 'Go back to now in one of them, or close it, then try again.',
  },
  BODY_TOO_LARGE: { status: 413, title: 'That request is too large', advice: 'Send less.' },
  INTERNAL: {
    status: 500,
    title: 'Something went wrong in Taskglass',
    advice: 'The log of the process says more. Please report it.',
  },
  // Wire
  WIRE_MALFORMED: { status: 400, title: 'A message could not be read', advice: 'Reload the page.' },
  WIRE_VERSION: {
    status: 400,
    title: 'The page and the server are of different versions',
    advice: 'Reload the page.',
  },
  // Embedded engine
  FUNCTION_NOT_PORTABLE: {
    status: 400,
    title: 'That function cannot run in another process',
    advice: 'Export it from a module, or write it so that it uses nothing but its arguments and globals.',
  },
  ARGUMENT_NOT_PORTABLE: {
    status: 400,
    title: 'An argument cannot be sent to another process',
    advice:
      'Pass data: numbers, text, arrays, plain objects, maps, sets, dates, buffers. Functions and handles stay here.',
  },
  TASK_CANCELLED: { status: 409, title: 'The task was cancelled', advice: 'Submit it again.' },
  TASK_ERRED: { status: 500, title: 'The task failed', advice: 'The remote stack says where.' },
  KILLED_WORKER: {
    status: 500,
    title: 'The task lost its worker too many times',
    advice: 'It probably exhausts the memory or crashes the process; try it alone.',
  },
  FUTURE_RELEASED: { status: 409, title: 'The future was released', advice: 'Keep it until its result is read.' },
  CLUSTER_CLOSED: { status: 409, title: 'The cluster is closed', advice: 'Start another one.' },
  WORKER_START_FAILED: {
    status: 500,
    title: 'A worker process did not start',
    advice: 'Its own message says why; check memory and the limit on processes.',
  },
} as const satisfies Record<string, { status: number; title: string; advice: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** An expected failure: code, what happened where, and what to do next. */
export class TaskglassError extends Error {
  override readonly name: string = 'TaskglassError';
  readonly code: ErrorCode;
  /** The particular: which address, which option, which byte. */
  readonly detail: string;

  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(`${ERRORS[code].title}: ${detail}`, options);
    this.code = code;
    this.detail = detail;
  }

  get title(): string {
    return ERRORS[this.code].title;
  }
  get advice(): string {
    return ERRORS[this.code].advice;
  }
  /** The HTTP status this error is answered with. */
  get status(): number {
    return ERRORS[this.code].status;
  }
}
