import { expect, it } from 'vitest';
import { parsePath } from './address.ts';

it.each([
  ['/', '/', 'status'],
  ['/status', '/', 'status'],
  ['/status/', '/', 'status'],
  ['/tasks', '/', 'tasks'],
  ['/workers/', '/', 'workers'],
  ['/user/me/taskglass/tasks', '/user/me/taskglass/', 'tasks'],
  ['/user/me/taskglass/tasks/', '/user/me/taskglass/', 'tasks'],
  // A prefix may be called like a page.
  ['/status/workers', '/status/', 'workers'],
  ['/prefix/', '/prefix/', 'status'],
])('%s lies below %s and is %s', (path, base, page) => {
  expect(parsePath(path)).toEqual({ base, page });
});
