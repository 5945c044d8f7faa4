import { createHash } from 'node:crypto';
import { HELP_FOR, helpPath } from '../base/help.ts';
import type { Problem } from './problem.ts';

/**
 * The page that people see instead of a problem document: what is wrong, what to do, where to go. No script, one style
 * that the content security policy allows by its hash.
 */
const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:38rem;margin:12vh auto;padding:0 1.25rem}
h1{font-size:1.4rem;margin:0 0 .5rem}
code{font-size:.9em;opacity:.75;overflow-wrap:anywhere}
a{margin-right:1rem}
input,button{font:inherit;padding:.3rem .6rem}`;

/** What `style-src` must list for this page. */
export const ERROR_STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

export const PAGES = ['status', 'tasks', 'workers', 'history'] as const;

/** `root`: the way from the address that failed to where the pages are, e.g. `../`; `pages`: which ones are there. */
export function errorPage(problem: Problem, root: string, pages: readonly string[] = PAGES): string {
  const links = pages.map((page) => `<a href="${escapeHtml(root + page)}">/${page}</a>`).join('\n');
  const section = HELP_FOR[problem.code];
  const more = section === undefined ? '' : `<p><a href="${escapeHtml(root + helpPath(section))}">What to do</a></p>\n`;
  const login =
    problem.code === 'TOKEN_REQUIRED'
      ? '<form method="get"><label>Token <input name="token" type="password" autocomplete="current-password" required></label> <button>Open</button></form>'
      : '';
  return htmlPage(
    problem.title,
    `<h1>${escapeHtml(problem.title)}</h1>
<p>${escapeHtml(sentence(problem.detail))}</p>
<p>${escapeHtml(problem.advice)}</p>
${more}${login}
<nav aria-label="Pages">${links}</nav>
<p><code>${problem.code}</code></p>`,
  );
}

/** A page that leads on by itself: what a redirect cannot do where the way here began on another site. */
export function forwardPage(to: string): string {
  const target = escapeHtml(to);
  return htmlPage(
    'Taskglass',
    `<p><a href="${target}">Open Taskglass</a></p>`,
    `<meta http-equiv="refresh" content="0; url=${target}">`,
  );
}

function htmlPage(title: string, body: string, head = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} - Taskglass</title>
${head}<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
