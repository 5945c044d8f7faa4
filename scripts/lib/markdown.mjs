/**
 * The Markdown that our own documents use, as HTML: headings, paragraphs, lists of one level, tables, fenced code, and in
 * a line `code`, **bold**, *emphasis* and links. Text is always escaped; HTML in a document stays text.
 */

/**
 * @typedef {object} MarkdownOptions
 * @property {(target: string) => string | null} link where a link leads; null: it stays text
 */

/**
 * @param {string} text
 * @param {MarkdownOptions} options
 * @returns {string}
 */
export function renderMarkdown(text, options) {
  const lines = text.split('\n');
  /** @type {string[]} */
  const html = [];
  /** @param {string} line */
  const inline = (line) => renderInline(line, options);
  /**
   * Takes the lines from `at` on as long as they match, with what each of them matched.
   * @param {number} at
   * @param {RegExp} pattern
   */
  const take = (at, pattern) => {
    const end = lines.findIndex((line, i) => i >= at && !pattern.test(line));
    return lines.slice(at, end === -1 ? lines.length : end);
  };
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    const heading = /^(#{1,4}) (.+)$/.exec(line);
    if (line.trim() === '') {
      at += 1;
    } else if (line.startsWith('```')) {
      const code = take(at + 1, /^(?!```)/);
      html.push(`<pre><code>${escapeHtml(code.join('\n'))}</code></pre>`);
      at += code.length + 2;
    } else if (heading) {
      const [, marks = '', title = ''] = heading;
      html.push(`<h${marks.length} id="${headingId(title)}">${inline(title)}</h${marks.length}>`);
      at += 1;
    } else if (line.startsWith('|')) {
      const rows = take(at, /^\|/);
      html.push(renderTable(rows, inline));
      at += rows.length;
    } else if (/^(- |\d+\. )/.test(line)) {
      // An item goes on in lines that are indented.
      const rows = take(at, /^(- |\d+\. | +\S)/);
      const items = rows
        .join('\n')
        .split(/\n?^(?:- |\d+\. )/m)
        .slice(1);
      const tag = line.startsWith('- ') ? 'ul' : 'ol';
      html.push(`<${tag}>${items.map((item) => `<li>${inline(item.replace(/\n +/g, ' '))}</li>`).join('\n')}</${tag}>`);
      at += rows.length;
    } else {
      const paragraph = take(at, /^(?!```|#{1,4} |\||- |\d+\. )\s*\S/);
      html.push(`<p>${inline(paragraph.join(' '))}</p>`);
      at += paragraph.length;
    }
  }
  return html.join('\n');
}

/**
 * As GitHub makes them: `Ports that are taken` is `ports-that-are-taken`.
 * @param {string} title
 */
export function headingId(title) {
  return title
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

/**
 * @param {readonly string[]} rows the second one is the line of dashes
 * @param {(text: string) => string} inline
 */
function renderTable(rows, inline) {
  const [head = [], , ...body] = rows.map((row) =>
    row
      .trim()
      .replace(/^\||\|$/g, '')
      .split(/(?<!\\)\|/)
      .map((cell) => inline(cell.trim().replaceAll('\\|', '|'))),
  );
  const headCells = head.map((cell) => `<th scope="col">${cell}</th>`).join('');
  const bodyRows = body.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`);
  return `<table><thead><tr>${headCells}</tr></thead>\n<tbody>${bodyRows.join('\n')}</tbody></table>`;
}

/**
 * @param {string} text
 * @param {MarkdownOptions} options
 * @returns {string}
 */
function renderInline(text, options) {
  // Code first: nothing in it means anything.
  return text
    .split(/(`[^`]+`)/)
    .map((part) => {
      if (/^`[^`]+`$/.test(part)) return `<code>${escapeHtml(part.slice(1, -1))}</code>`;
      return escapeHtml(part)
        .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
        .replace(/\*([^*\s][^*]*)\*/g, '<em>$1</em>')
        .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, (_whole, label, target) => {
          const to = options.link(target);
          return to === null ? label : `<a href="${to}">${label}</a>`;
        });
    })
    .join('');
}

/** @param {string} text */
function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
