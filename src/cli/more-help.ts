import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ErrorCode } from '../base/errors.ts';
import { HELP_FOR, helpPath } from '../base/help.ts';

/** Where a browser finds more about an error, without any server or network; null where there is no more. */
export function moreHelp(code: ErrorCode): string | null {
  const section = HELP_FOR[code];
  const page = join(import.meta.dirname, '..', 'page');
  if (section === undefined || !existsSync(join(page, 'help'))) return null;
  return new URL(helpPath(section), pathToFileURL(`${page}/`)).href;
}
