import type { PageFile } from '../../base/page-file.ts';
import { PageMemory } from './page-memory.ts';
import { Pager, type PagerOptions } from './pager.ts';

/** A file in memory, of which writes can be made to fail and pages can be damaged. */
export class MemoryFile implements PageFile {
  readonly pages = new Map<number, Uint8Array>();
  full = false;
  damaged = false;

  write(position: number, bytes: Uint8Array): void {
    if (this.full) throw new Error('no space left on device');
    this.pages.set(position, bytes.slice());
  }

  read(position: number, into: Uint8Array): void {
    const bytes = this.pages.get(position);
    if (bytes === undefined) throw new Error('nothing was written there');
    if (this.damaged) throw new Error('a page is not what was written');
    into.set(bytes);
  }

  close(): void {}
}

/** A pager of small pages that has room for `pages` of them in memory. */
export function smallPager(pages: number, file = new MemoryFile(), options: PagerOptions = {}): Pager {
  return new Pager({ memory: new PageMemory(pages * 1_024, 1_024), open: () => file, ...options });
}
