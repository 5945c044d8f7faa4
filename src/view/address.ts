/** The pages there are. A page that cannot work yet is not in this list and so not in the navigation. */
export const PAGES = [
  { name: 'status', title: 'Status' },
  { name: 'tasks', title: 'Tasks' },
  { name: 'workers', title: 'Workers' },
  { name: 'history', title: 'History' },
] as const;
export type PageName = (typeof PAGES)[number]['name'];

/** Splits a path into what lies before the page (a prefix of ours or of a proxy's, ending in `/`) and the page. */
export function parsePath(path: string): { base: string; page: PageName } {
  const [, before = '/', name = ''] = /^(.*\/)([^/]+)\/?$/.exec(path) ?? [];
  const page = PAGES.find((candidate) => candidate.name === name);
  if (page !== undefined) return { base: before, page: page.name };
  return { base: path.endsWith('/') ? path : before, page: 'status' };
}

/** Where in its server a page is. */
export interface Place {
  /** Path of the server's root, ending in `/`: where its history is, and the list of its clusters. */
  readonly root: string;
  /** What is shown, below the root: empty for its first cluster, else `clusters/ID/` or `recordings/ID/`. */
  readonly pages: string;
}

/** `base` as parsePath gives it, `icon` the path of the page's icon: the server's files lie at its root, whatever is shown. */
export function placeOf(base: string, icon: string): Place {
  const root = icon.replace(/(?:assets\/)?[^/]*$/, '');
  return base.startsWith(root) ? { root, pages: base.slice(root.length) } : { root: base, pages: '' };
}

/** The range of time that an address asks for, `?since=&until=` in epoch seconds; null where they make no sense. */
export function rangeOf(search: string): { since: number; until: number } | null {
  const query = new URLSearchParams(search);
  const since = Number(query.get('since') ?? Number.NaN);
  const until = Number(query.get('until') ?? Number.NaN);
  return since > 0 && until > since ? { since, until } : null;
}

/** Where a page speaks to its server: `base` as parsePath gives it, `page` the page's own address. */
export function liveAddress(base: string, page: string): string {
  const address = new URL(`${base}api/v1/live`, page);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  return address.href;
}
