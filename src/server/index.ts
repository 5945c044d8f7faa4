/** The public entry `taskglass`: start the web interface from a program. */
export { type ErrorCode, TaskglassError } from '../base/errors.ts';
export type { Source } from '../source/source.ts';
export { type ServerOptions, startServer, type TaskglassServer } from './server.ts';
