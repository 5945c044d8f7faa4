import { expect, test } from 'vitest';
import { ERRORS, TaskglassError } from '../base/errors.ts';
import { errorPage, escapeHtml } from '../serving/error-page.ts';
import { codedError, problemOf } from '../serving/problem.ts';

test('an unexpected error says nothing of itself', () => {
  for (const thrown of [
    new Error('secret at x.ts:3'),
    'secret',
    { statusCode: 500, message: 'secret' },
    null,
    undefined,
  ]) {
    const problem = problemOf(codedError(thrown));
    expect(problem).toMatchObject({ status: 500, code: 'INTERNAL', title: ERRORS.INTERNAL.title });
    expect(JSON.stringify(problem)).not.toContain('secret');
  }
});

test('a framework’s error keeps its status and its code alone', () => {
  const thrown = Object.assign(new Error('secret'), { statusCode: 400, code: 'FST_ERR_BAD_URL' });
  expect(problemOf(codedError(thrown))).toMatchObject({
    status: 400,
    code: 'QUERY_INVALID',
    detail: 'the request is malformed (FST_ERR_BAD_URL)',
  });
});

test('a page for people holds hostile text as text', () => {
  const html = errorPage(problemOf(new TaskglassError('NOT_FOUND', '<img src=x onerror=alert(1)>"\'&')), './');
  expect(html).not.toContain('<img');
  expect(html).toContain(escapeHtml('<img src=x onerror=alert(1)>"\'&'));
});

test('asks for the token where one is needed', () => {
  expect(errorPage(problemOf(new TaskglassError('TOKEN_REQUIRED', 'none given')), './')).toContain('type="password"');
  expect(errorPage(problemOf(new TaskglassError('NOT_FOUND', 'nothing')), './')).not.toContain('<form');
});
