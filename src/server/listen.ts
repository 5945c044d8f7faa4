import type { FastifyInstance } from 'fastify';
import { TaskglassError } from '../base/errors.ts';

/** 8788 and 8789 are the ports of the debug servers in the scheduler and the workers: never taken in their stead. */
export const FIRST_FALLBACK_PORT = 8790;
const FALLBACK_PORTS = 100;

/** Serves on a listening socket that this process was started with, and returns its port. Throws PORT_FORBIDDEN. */
export async function listenOn(app: FastifyInstance, host: string, fd: number): Promise<number> {
  try {
    // The host only keeps Fastify from taking its default, localhost, which it would bind a second time.
    await app.listen({ host, fd } as { host: string });
  } catch (error) {
    throw new TaskglassError('PORT_FORBIDDEN', `file descriptor ${fd} is no listening socket`, { cause: error });
  }
  return portOf(app) ?? 0;
}

/**
 * Binds and returns the port that it got. `fallback`: when `port` is taken, the next free one from 8790 up is used.
 * Throws PORT_TAKEN and PORT_FORBIDDEN.
 */
export async function listen(app: FastifyInstance, host: string, port: number, fallback: boolean): Promise<number> {
  const candidates = [port];
  if (fallback) {
    for (let i = 0; i < FALLBACK_PORTS; i++) candidates.push(FIRST_FALLBACK_PORT + i);
  }
  for (const candidate of candidates) {
    try {
      await app.listen({ host, port: candidate });
      return portOf(app) ?? candidate;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE') continue;
      if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
        throw new TaskglassError('PORT_FORBIDDEN', `${host}:${candidate} (${code})`, { cause: error });
      }
      throw error;
    }
  }
  throw new TaskglassError('PORT_TAKEN', `something listens on ${host}:${port} already`);
}

function portOf(app: FastifyInstance): number | undefined {
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : undefined;
}
