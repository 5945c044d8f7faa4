import { type Accessor, createSignal } from 'solid-js';

/** The pages there are. A page that cannot work yet is not in this list and so not in the navigation. */
export const PAGES = [
  { name: 'status', title: 'Status' },
  { name: 'tasks', title: 'Tasks' },
  { name: 'workers', title: 'Workers' },
] as const;
export type PageName = (typeof PAGES)[number]['name'];

/** Splits a path into what lies before the page (a prefix of ours or of a proxy's, ending in `/`) and the page. */
export function parsePath(path: string): { base: string; page: PageName } {
  const [, before = '/', name = ''] = /^(.*\/)([^/]+)\/?$/.exec(path) ?? [];
  const page = PAGES.find((candidate) => candidate.name === name);
  if (page !== undefined) return { base: before, page: page.name };
  return { base: path.endsWith('/') ? path : before, page: 'status' };
}

export interface Router {
  readonly page: Accessor<PageName>;
  /** Path of a page, under the same prefix as this one. */
  href(page: PageName): string;
  /** Address of anything else the server has, e.g. `api/v1/live`. */
  url(path: string): URL;
  /** For a link's click: goes there without loading, unless the user wants a new tab. */
  follow(event: MouseEvent, page: PageName): void;
}

export function createRouter(): Router {
  const { base, page: first } = parsePath(location.pathname);
  const [page, setPage] = createSignal<PageName>(first);
  addEventListener('popstate', () => setPage(parsePath(location.pathname).page));
  return {
    page,
    href: (name) => base + name,
    url: (path) => new URL(base + path, location.href),
    follow(event, name) {
      if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      if (name === page()) return;
      history.pushState(null, '', base + name + location.search);
      setPage(name);
      scrollTo(0, 0);
    },
  };
}
