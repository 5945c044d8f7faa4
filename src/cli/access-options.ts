import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Command as Commander } from 'commander';
import { defaultFolder, isLoopback, type ServeOptions } from '../server/main.ts';

/** What is given of who may come in, as commander gives it. */
export interface AccessGiven {
  readonly token?: string;
  readonly insecure?: boolean;
  readonly httpsCert?: string;
  readonly httpsKey?: string;
  readonly frameAncestors?: readonly string[];
  readonly authHeader?: string;
  readonly trustedProxy?: readonly string[];
  readonly allowActions?: boolean;
  readonly auditLog?: string;
}

export function addActionOptions(command: Commander): void {
  command
    .option('--allow-actions', 'let pages act on the cluster: restart and retire workers, cancel and retry tasks')
    .option('--audit-log <file>', "where it is written who did what (default: beside the user's recordings)");
}

export function addAccessOptions(command: Commander): void {
  const several = (value: string, values: readonly string[] = []): readonly string[] => [...values, value];
  command
    .option('--https-cert <path>', 'serve over HTTPS with this certificate (PEM)')
    .option('--https-key <path>', 'the key of that certificate (PEM)')
    .option(
      '--frame-ancestors <sites>',
      'sites that may show the pages in a frame, like self; may be repeated',
      several,
    )
    .option('--auth-header <name>', 'believe a proxy that says in this header who is logged in')
    .option('--trusted-proxy <address>', 'where that proxy is (default: loopback); may be repeated', several);
}

/**
 * Beyond this machine, and where pages may act, there is a token, one of ours where none was given: whoever reads the terminal may come in. Who says that
 * there is to be none says so with --insecure; an empty token is none and refused, since it is how a secret that was not set looks.
 */
export function accessOf(
  given: AccessGiven,
  host: string,
): Pick<ServeOptions, 'token' | 'insecure' | 'access' | 'allowActions'> {
  const { token, insecure, httpsCert, httpsKey, frameAncestors, authHeader, trustedProxy: trustedProxies } = given;
  const access = {
    ...(httpsCert !== undefined && { httpsCert }),
    ...(httpsKey !== undefined && { httpsKey }),
    ...(frameAncestors !== undefined && { frameAncestors }),
    ...(authHeader !== undefined && { authHeader }),
    ...(trustedProxies !== undefined && { trustedProxies }),
  };
  const { allowActions = false, auditLog = path.join(path.dirname(defaultFolder()), 'audit.ndjson') } = given;
  const made = token === undefined && (allowActions || (insecure !== true && !isLoopback(host)));
  const none = token === '' && !isLoopback(host);
  return {
    ...(made && { token: randomBytes(24).toString('base64url') }),
    ...(token !== undefined && !none && { token }),
    ...(insecure !== undefined && { insecure }),
    ...(Object.keys(access).length > 0 && { access }),
    ...(allowActions && { allowActions: { auditLog } }),
  };
}
