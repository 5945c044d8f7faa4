import { headingId } from '../../scripts/lib/markdown.mjs';
import { readProjectFile } from './project-files.ts';

/**
 * The code blocks of a document under the heading with this id, in one language: what people copy is what the tests run.
 * Throws where there is none.
 */
export function documented(file: string, section: string, language: string): string[] {
  const lines = readProjectFile(file).split('\n');
  const blocks: string[] = [];
  let here = false;
  let block: string[] | null = null;
  for (const line of lines) {
    if (block !== null) {
      if (line.startsWith('```')) {
        blocks.push(block.join('\n'));
        block = null;
      } else block.push(line);
    } else if (/^#{1,4} /.test(line)) here = headingId(line.replace(/^#+ /, '')) === section;
    else if (here && line === `\`\`\`${language}`) block = [];
  }
  if (blocks.length === 0) throw new Error(`${file} has no ${language} block under #${section}`);
  return blocks;
}

/** Replaces each of `changes` in `text`; throws where one is not there, since then the document says something else. */
export function adapted(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((result, [from, to]) => {
    if (!result.includes(from)) throw new Error(`"${from}" is not in: ${text}`);
    return result.replaceAll(from, to);
  }, text);
}
