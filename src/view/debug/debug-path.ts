/** Where a debug page lies. */
export interface DebugPath {
  /** What its API stands beside, ending in `/`: `/`, `/scheduler/`, `/prefix/workers/NAME/`. */
  readonly base: string;
  /** Where the main pages are, ending in `/`; null on a process's own debug server, which has none. */
  readonly pages: string | null;
}

/** Null for any other page's path. */
export function parseDebugPath(path: string): DebugPath | null {
  const base = /^(.*\/)debug\/?$/.exec(path)?.[1];
  if (base === undefined) return null;
  return { base, pages: /^(.*\/)(?:scheduler|workers\/[^/]+)\/$/.exec(base)?.[1] ?? null };
}
