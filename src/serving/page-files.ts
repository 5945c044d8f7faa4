import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { TaskglassError } from '../base/errors.ts';

/**
 * The built page, read into memory once: some hundred kilobytes. A request names one of these files exactly or nothing,
 * so no path is ever made from what a browser sends, and each file is compressed once, when it is asked for first, instead of
 * once a request.
 */
export interface PageFile {
  readonly type: string;
  readonly etag: string;
  /** True when its name carries its content's hash. */
  readonly immutable: boolean;
  readonly raw: Buffer;
  /** Null where that would save nothing. */
  readonly compressed: ((encoding: Encoding) => Promise<Buffer>) | null;
}

type Encoding = 'br' | 'gzip';

export interface PageFiles {
  /**
   * The single page. Its addresses are relative, so that it works below any prefix, a proxy's too; `depth` is how many
   * folders below the pages' root the address asked for is: 0 for `status`, 1 for `status/` and `scheduler/debug`, at most
   * 5. Throws PAGE_NOT_BUILT.
   */
  document(depth: number): PageFile;
  /** The page of reports, into which an export puts its data; null where it was not built. It is no file of the site. */
  readonly report: string | null;
  /** By name below the page's folder, e.g. `assets/index-4fa1.js`. */
  file(name: string): PageFile | undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};
const COMPRESSIBLE = new Set(['.css', '.html', '.js', '.json', '.map', '.svg', '.txt', '.webmanifest']);
/** `clusters/NAME/workers/NAME/debug/` is the deepest there is. */
const DEPTHS = [0, 1, 2, 3, 4, 5];
/** Below this, compression saves no packet. */
const COMPRESS_FROM = 1_000;

/** The page of reports, in the page's folder. */
export const REPORT_PAGE = 'report.html';

const BESIDE = join(import.meta.dirname, 'page');
/** The folder of the built page: beside the bundle of the Python package, else beside the folder of this room. */
export const PAGE_FOLDER = existsSync(BESIDE) ? BESIDE : join(import.meta.dirname, '..', 'page');

export async function readPageFiles(folder: string): Promise<PageFiles> {
  const files = new Map<string, PageFile>();
  let names: string[] = [];
  try {
    names = (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await Promise.all(
    names.map(async (name) => {
      if (name === REPORT_PAGE) return;
      const content = await readFile(join(folder, name));
      files.set(name, pageFile(name, content));
    }),
  );
  const html = files.get('index.html')?.raw.toString();
  const report = names.includes(REPORT_PAGE) ? await readFile(join(folder, REPORT_PAGE), 'utf8') : null;
  const documents = html === undefined ? [] : DEPTHS.map((depth) => deeper(html, depth));
  return {
    document: (depth) => {
      const document = documents[depth];
      if (document === undefined) throw new TaskglassError('PAGE_NOT_BUILT', 'its files are missing');
      return document;
    },
    report,
    file: (name) => (name === 'index.html' ? undefined : files.get(name)),
  };
}

/** The same document for an address that is `depth` folders further down. */
function deeper(html: string, depth: number): PageFile {
  const moved = depth === 0 ? html : html.replaceAll(/(?<=\b(?:href|src)=")\.\//g, '../'.repeat(depth));
  return pageFile('index.html', Buffer.from(moved));
}

function pageFile(name: string, raw: Buffer): PageFile {
  const extension = extname(name);
  const made = new Map<Encoding, Promise<Buffer>>();
  const compressed = (encoding: Encoding): Promise<Buffer> => {
    const body = made.get(encoding) ?? compress(raw, encoding);
    made.set(encoding, body);
    return body;
  };
  return {
    type: TYPES[extension] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(raw).digest('base64url').slice(0, 22)}"`,
    immutable: name.startsWith('assets/'),
    raw,
    compressed: COMPRESSIBLE.has(extension) && raw.length >= COMPRESS_FROM ? compressed : null,
  };
}

function compress(raw: Buffer, encoding: Encoding): Promise<Buffer> {
  // The next levels take five times as long for two bytes in a hundred, and somebody waits.
  if (encoding === 'gzip') return promisify(gzip)(raw, { level: 6 });
  return promisify(brotliCompress)(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
}

/** The smallest form that the browser takes. */
export async function encodingFor(
  { raw, compressed }: PageFile,
  accepted: string | undefined,
): Promise<{ encoding: Encoding | null; body: Buffer }> {
  const offers = (accepted ?? '').split(',').map((offer) => offer.trim());
  const takes = (name: Encoding): boolean =>
    offers.some((offer) => offer === name || (offer.startsWith(`${name};`) && !/;\s*q=0(\.0*)?$/.test(offer)));
  const encoding = takes('br') ? 'br' : takes('gzip') ? 'gzip' : null;
  if (encoding === null || compressed === null) return { encoding: null, body: raw };
  return { encoding, body: await compressed(encoding) };
}
