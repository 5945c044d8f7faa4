import { z } from 'zod';
import { PROBLEM_JSON } from '../../serving/problem.ts';
import { EXPORT_ROUTE } from '../export/route.ts';
import { PLACES_ROUTES } from '../history/routes.ts';
import { API_ROUTES, type ApiRoute } from './api.ts';
import { NO_QUERY } from './api-query.ts';
import { PROBLEM } from './api-schema.ts';
import { DEBUG_ROUTES } from './debug-routes.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the HTTP API, made from the schemas that check and describe it. */
export function openApi(version: string, prefix: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of [...API_ROUTES, EXPORT_ROUTE, ...PLACES_ROUTES]) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  for (const route of DEBUG_ROUTES) {
    const get = operation({ ...route, method: 'GET', query: NO_QUERY, status: 200 });
    // They lie beside the pages of the process that they describe, not below /api/v1.
    paths[route.path] = { servers: [{ url: prefix === '' ? '/' : prefix }], get };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Taskglass',
      version,
      description:
        'What the pages show, in numbers. Dask’s words; times are seconds since epoch in the scheduler’s clock; bytes are bytes; null is "not known". `seq` is the version of the state that an answer shows.',
      license: { name: 'BSD-3-Clause', identifier: 'BSD-3-Clause' },
    },
    servers: [{ url: `${prefix}/api/v1` }],
    paths,
    components: {
      schemas: { Problem: schemaOf(PROBLEM) },
      responses: {
        Problem: {
          description: 'What went wrong. `code` is stable.',
          content: { [mediaType(PROBLEM_JSON)]: { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    // Only a server that was started with a token asks for it.
    security: [{}, { token: [] }],
  };
}

function operation(route: Omit<ApiRoute, 'run' | 'method'> & { readonly method: string }): Json {
  // A file is in formats of others.
  const own = route.answer instanceof z.ZodNever ? {} : { 'application/json': { schema: schemaOf(route.answer) } };
  const content: Json = { ...own };
  for (const type of route.also ?? []) content[type] = { schema: { type: 'string' } };
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replace(/[/{}]+(\w?)/g, (_all, c: string) => c.toUpperCase())}`,
    summary: route.summary,
    parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
    responses: {
      [route.status]: { description: 'The answer.', content },
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: name === 'record' ? { type: 'integer', minimum: 0 } : { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType): Json[] {
  type Described = { properties?: Record<string, Json>; required?: readonly string[] };
  // What may be left out when asking is there after all where it has a default: hence the input's side.
  const { properties = {}, required = [] } = schemaOf(query, 'input') as Described;
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    description,
    schema,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'output'): Json {
  // OpenAPI 3.1 speaks this dialect by default; a $schema in each part is noise.
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return json;
}

function mediaType(contentType: string): string {
  return contentType.split(';', 1)[0]!;
}
