import { decodeUtf8 } from '../../base/utf8.ts';
import { Parts } from './parts.ts';

/**
 * The one script of a report that stands in it as it is: it takes styles and script out of the document. The policy of the file knows
 * both by their hashes, and nothing else runs.
 */
async function load(): Promise<void> {
  const parts = new Parts(document);
  for (const kind of ['style', 'script'] as const) {
    const element = document.createElement(kind);
    element.textContent = decodeUtf8(await parts.take(kind));
    document.head.append(element);
  }
}

load().catch((error: unknown) => {
  document.body.textContent = `This report cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
});
