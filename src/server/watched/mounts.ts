import type { FastifyRequest } from 'fastify';
import type { Watched } from './watched.ts';

/**
 * Where something that is watched is served: the same pages, the same API and the same live socket, below another path. Routes
 * cannot be added to a server that listens, so a mount is one set of routes whose path may hold a parameter; what a request
 * means by it is told when it comes.
 */
export interface Mount {
  /** Below the server's prefix, as the router reads it: empty, or like `/recordings/:recording`. */
  readonly path: string;
  /** How many folders below the root that is. */
  readonly depth: number;
  /** What is served there. Throws NOT_FOUND where there is nothing. */
  of(request: FastifyRequest): Watched | Promise<Watched>;
}
