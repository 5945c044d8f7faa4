import { createSignal } from 'solid-js';
import { PAGES, type PageName } from '../address.ts';
import type { Router } from '../router.ts';

function pageOf(hash: string): PageName | undefined {
  return PAGES.find(({ name }) => hash === `#${name}`)?.name;
}

/** A router for a page that is a file: a page's name stands behind the `#` of the address. */
export function createHashRouter(): Router {
  const [page, setPage] = createSignal<PageName>(pageOf(location.hash) ?? 'status');
  addEventListener('hashchange', () => setPage((before) => pageOf(location.hash) ?? before));
  return {
    page,
    href: (name) => `#${name}`,
    url: (path) => new URL(path, location.href),
    // The browser does what the link says.
    follow: () => {},
  };
}
