import { decodeUtf8 } from '../../base/utf8.ts';
import { decodeWide } from '../../base/wide-text.ts';
import { REPORT_FORMAT, type ReportHead, type ReportPartKind } from '../../wire/report.ts';

/** The parts that a report's document holds. Each is taken out of the document when it is read. */
export class Parts {
  readonly #elements = new Map<string, Element[]>();

  constructor(document: Document) {
    for (const element of document.querySelectorAll('script[data-part]')) {
      const kind = String(element.getAttribute('data-part'));
      this.#elements.set(kind, [...(this.#elements.get(kind) ?? []), element]);
    }
  }

  has(kind: ReportPartKind): boolean {
    return (this.#elements.get(kind)?.length ?? 0) > 0;
  }

  /** The next part of a kind. Throws where there is none, or where it is damaged. */
  async take(kind: ReportPartKind): Promise<Uint8Array<ArrayBuffer>> {
    const element = this.#elements.get(kind)?.shift();
    if (element === undefined) throw new Error(`this file has no part "${kind}": it was not saved whole`);
    const packed = decodeWide(element.textContent);
    element.remove();
    // Numbers of records were made as small as they get.
    const bytes = kind === 'records' ? packed : await inflated(packed);
    return bytes;
  }

  /** Throws where the file is of another format. */
  async head(): Promise<ReportHead> {
    const head = JSON.parse(decodeUtf8(await this.take('head'))) as ReportHead;
    if (head.format !== REPORT_FORMAT) throw new Error(`this file is of format ${head.format}`);
    return head;
  }
}

export async function inflated(packed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
