import { expect, test } from 'vitest';
import { headingId, renderMarkdown } from '../scripts/lib/markdown.mjs';

const html = (text: string): string =>
  renderMarkdown(text, { link: (target) => (target.endsWith('.md') ? null : target) });

test.each([
  ['a paragraph\nof two lines', '<p>a paragraph of two lines</p>'],
  ['## Ports, and `more`', '<h2 id="ports-and-more">Ports, and <code>more</code></h2>'],
  ['- one\n  goes on\n- two', '<ul><li>one goes on</li>\n<li>two</li></ul>'],
  ['1. one\n2. two', '<ol><li>one</li>\n<li>two</li></ol>'],
  ['**strong** and *soft*', '<p><strong>strong</strong> and <em>soft</em></p>'],
  ['`**not strong**`', '<p><code>**not strong**</code></p>'],
  ['[here](#there), [elsewhere](x.md)', '<p><a href="#there">here</a>, elsewhere</p>'],
  ['```sh\n# no heading\n\n- no list\n```', '<pre><code># no heading\n\n- no list</code></pre>'],
  [
    '| a | b |\n|---|---|\n| 1 | x \\| y |',
    '<table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>\n<tbody><tr><td>1</td><td>x | y</td></tr></tbody></table>',
  ],
])('%j', (text, expected) => expect(html(text)).toBe(expected));

test('text stays text', () => {
  expect(html('<b> & `<i>` "')).toBe('<p>&#60;b&#62; &#38; <code>&#60;i&#62;</code> &#34;</p>');
  expect(html('```\n<script>\n```')).toBe('<pre><code>&#60;script&#62;</code></pre>');
});

test('headings have the ids that GitHub gives them', () => {
  expect(headingId('No line "Taskglass UI at" in the scheduler\'s log')).toBe(
    'no-line-taskglass-ui-at-in-the-schedulers-log',
  );
});
