import { type Accessor, createSignal } from 'solid-js';
import { type PageName, type Place, parsePath, placeOf } from './address.ts';

export interface Router {
  readonly page: Accessor<PageName>;
  /** Absent where there is no server. */
  readonly place?: Place;
  /** Path of a page, under the same prefix as this one. */
  href(page: PageName): string;
  /** Address of anything else the server has, e.g. `api/v1/live`. */
  url(path: string): URL;
  /** For a link's click: goes there without loading, unless the user wants a new tab. */
  follow(event: MouseEvent, page: PageName): void;
}

export function createRouter(): Router {
  const { base, page: first } = parsePath(location.pathname);
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const place = placeOf(base, icon === null ? base : new URL(icon.href).pathname);
  /** There is one history, at the root. */
  const isElsewhere = (name: PageName) => name === 'history' && place.pages !== '';
  const [page, setPage] = createSignal<PageName>(first);
  addEventListener('popstate', () => setPage(parsePath(location.pathname).page));
  return {
    page,
    place,
    href: (name) => (isElsewhere(name) ? place.root : base) + name,
    url: (path) => new URL(base + path, location.href),
    follow(event, name) {
      if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      if (isElsewhere(name)) return;
      event.preventDefault();
      if (name === page()) return;
      history.pushState(null, '', base + name + location.search);
      setPage(name);
      scrollTo(0, 0);
    },
  };
}
