import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { TaskglassError } from '../../base/errors.ts';
import { isClusterAction } from '../../model/cluster-action.ts';
import type { ActionAccess } from '../../source/source.ts';
import type { Store } from '../../store/store.ts';
import { refuseOtherMethods } from '../routes/reply.ts';
import type { AuditEntry, AuditLog } from './audit-log.ts';

/** What an action is done to. */
interface Acted {
  readonly store: Store;
  readonly actions: ActionAccess | undefined;
}

/** Longest body, bytes: a key may be long. */
const MAX_BODY = 65_536;
const BODY = z.strictObject({ target: z.string().min(1).max(20_000) });

/**
 * `GET …/actions` says what may be done, `POST …/actions/{name}` does it. Without an audit log nothing may be. Every attempt is
 * written down, before it is made and after, and those that the gate turned away too.
 */
export function addActions(
  app: FastifyInstance,
  api: string,
  audit: AuditLog | null,
  of: (request: FastifyRequest) => Acted | Promise<Acted>,
): void {
  const handled = new WeakSet<FastifyRequest>();
  const write = (
    request: FastifyRequest,
    entry: Pick<AuditEntry, 'target' | 'cluster' | 'outcome' | 'detail'>,
  ): void => {
    const { who } = request;
    const line = { action: nameOf(request), who, address: who?.address ?? request.ip, ...entry };
    request.log.info(line, 'an action');
    audit?.write(line);
  };

  app.get(`${api}/actions`, async (request, reply) => {
    const { actions } = await of(request);
    reply.header('cache-control', 'no-store');
    return reply.send({ actions: audit === null ? [] : (actions?.names ?? []) });
  });
  refuseOtherMethods(app, `${api}/actions`, ['GET', 'HEAD']);

  const url = `${api}/actions/:name`;
  app.register(async (scope) => {
    // A page of another site cannot send this type without asking first; the gate has asked for more by then.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: MAX_BODY }, (_request, text, done) =>
      done(null, text),
    );
    scope.addHook('onResponse', async (request, reply) => {
      // Turned away before the handler saw it.
      if (audit !== null && !handled.has(request) && request.method === 'POST' && reply.statusCode >= 400) {
        write(request, { target: '', cluster: '', outcome: 'refused', detail: `HTTP ${reply.statusCode}` });
      }
    });
    scope.post(url, async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const { store, actions } = await of(request);
      handled.add(request);
      const cluster = store.cluster?.address ?? '';
      const name = nameOf(request);
      const target = targetOf(request.body);
      const tell = (outcome: AuditEntry['outcome'], detail: string): void =>
        write(request, { target: target ?? '', cluster, outcome, detail });
      const refuse = (error: TaskglassError): never => {
        tell('refused', `${error.code}: ${error.detail}`);
        throw error;
      };
      if (audit === null) return refuse(new TaskglassError('ACTIONS_NOT_ALLOWED', 'it was started without them'));
      if (actions === undefined) {
        return refuse(new TaskglassError('ACTIONS_NOT_ALLOWED', 'what is shown here cannot be acted on'));
      }
      if (!isClusterAction(name)) return refuse(new TaskglassError('NOT_FOUND', 'there is no action of that name'));
      if (!actions.names.includes(name)) {
        return refuse(new TaskglassError('ACTIONS_NOT_ALLOWED', `this engine has no ${name}`));
      }
      if (target === null) return refuse(new TaskglassError('QUERY_INVALID', 'the body must be {"target": "…"}'));
      tell('asked', '');
      try {
        const result = await actions.run({ name, target });
        tell('done', result);
        return reply.send({ action: name, target, result });
      } catch (error) {
        tell('failed', error instanceof TaskglassError ? `${error.code}: ${error.detail}` : String(error));
        throw error;
      }
    });
  });
  refuseOtherMethods(app, url, ['POST']);
}

function nameOf(request: FastifyRequest): string {
  return (request.params as { name?: string }).name?.slice(0, 100) ?? '';
}

/** Null for what is no such body. */
function targetOf(body: unknown): string | null {
  try {
    return BODY.parse(JSON.parse(String(body))).target;
  } catch {
    return null;
  }
}
