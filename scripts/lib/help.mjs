import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { renderMarkdown } from './markdown.mjs';
import { inRoot } from './run.mjs';

/** The documents that every server serves beside its pages, under `help/NAME.html`: who needs them may have no other network. */
const DOCUMENTS = /** @type {const} */ ([
  ['troubleshooting', 'Troubleshooting'],
  ['errors', 'Errors'],
  ['cli', 'The command'],
  ['dask-package', 'The Python package'],
]);
const NAVIGATION = DOCUMENTS.map(([name, title]) => `<a href="${name}.html">${title}</a>`).join('\n');

const STYLE = `:root{color-scheme:light dark;font:16px/1.55 system-ui,sans-serif}
body{max-width:52rem;margin:2rem auto 6rem;padding:0 1.25rem}
h1{font-size:1.7rem}
h2{font-size:1.25rem;margin-top:2.5rem}
h3{font-size:1.05rem;margin-top:1.75rem}
code{font:.88em/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
pre{overflow-x:auto;padding:.75rem 1rem;border:1px solid color-mix(in srgb,currentColor 20%,transparent);border-radius:6px}
pre code{overflow-wrap:normal}
table{border-collapse:collapse;display:block;overflow-x:auto}
th,td{text-align:left;vertical-align:top;padding:.3rem 1rem .3rem 0;border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent)}
:target{scroll-margin-top:1rem;text-decoration:underline}
nav a{margin-right:1rem}
`;

/**
 * Writes the documents as pages that need nothing but the style beside them: no script, nothing inline, so that the
 * content security policy of the pages lets them be.
 * @param {string} folder
 */
export function writeHelp(folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'help.css'), STYLE);
  copyFileSync(inRoot('src', 'view', 'icon.svg'), path.join(folder, 'icon.svg'));
  for (const [name] of DOCUMENTS) {
    const text = readFileSync(inRoot('docs', `${name}.md`), 'utf8');
    writeFileSync(path.join(folder, `${name}.html`), renderHelp(text));
  }
}

/** @param {string} text */
function renderHelp(text) {
  const title = /^# (.+)$/m.exec(text)?.[1] ?? 'Help';
  const body = renderMarkdown(text, { link: helpLink });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title.replaceAll('`', '')} - Taskglass</title>
<link rel="icon" type="image/svg+xml" href="icon.svg">
<link rel="stylesheet" href="help.css">
</head>
<body>
<nav aria-label="Documents">${NAVIGATION}</nav>
<main>
${body}
</main>
</body>
</html>
`;
}

/**
 * Documents that are served link to one another; what lies elsewhere in the checkout cannot be reached from here.
 * @param {string} target
 */
function helpLink(target) {
  if (/^https?:/.test(target) || target.startsWith('#')) return target;
  const [, name = '', anchor = ''] = /^([\w-]+)\.md(#[\w-]+)?$/.exec(target) ?? [];
  return DOCUMENTS.some(([document]) => document === name) ? `${name}.html${anchor}` : null;
}
