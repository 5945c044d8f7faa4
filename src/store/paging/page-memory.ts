import type { Page } from './pager.ts';

/** Part of the memory that pages may take which are read by somebody who goes through all of a history. */
const SCAN_SHARE = 1 / 4;

/**
 * The memory that pages of all histories of a process share: frames of one size, as many as the limit allows. The page that was not
 * used for longest, nearly, makes room for the next one (a clock with one hand). Pages that a scan reads take one another's place, so
 * that what everybody else looks at stays.
 */
export class PageMemory {
  readonly pageBytes: number;
  readonly #resident: Page[] = [];
  readonly #free: ArrayBuffer[] = [];
  #limit: number;
  #hand = 0;
  #frames = 0;
  #charged = 0;
  /** What a scan has read, the oldest first. */
  readonly #scanned = new Set<Page>();
  /** Pages that are read now are read by a scan. */
  scanning = false;

  /** `limit`: bytes; none in a page and in tests. `pageBytes`: a power of two. */
  constructor(limit = Number.POSITIVE_INFINITY, pageBytes = 65_536) {
    this.#limit = limit;
    this.pageBytes = pageBytes;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Bytes of all frames, used or not. */
  get bytes(): number {
    return this.#frames * this.pageBytes;
  }

  /** Bytes that are kept beside pages. */
  get charged(): number {
    return this.#charged;
  }

  /** See {@link Pager.charge}. */
  charge(by: number): void {
    this.#charged += by;
  }

  /** A frame that nobody uses, with anything in it. Beyond the limit only where nothing can make room. */
  take(): ArrayBuffer {
    const most = Math.max(0, this.#limit - this.#charged);
    if (
      this.scanning &&
      this.bytes + this.pageBytes > most &&
      this.#scanned.size * this.pageBytes >= most * SCAN_SHARE
    ) {
      const frame = this.#evictScanned();
      if (frame !== null) return frame;
    }
    for (let over = Math.min(4, this.bytes + this.pageBytes - most); over > 0; over--) {
      if (this.#free.length > 0 && this.bytes <= most) break;
      const frame = this.#evict();
      if (frame === null) break;
      if (this.bytes <= most) return frame;
      // The limit has come down.
      this.#frames--;
    }
    const free = this.#free.pop();
    if (free !== undefined) return free;
    this.#frames++;
    return new ArrayBuffer(this.pageBytes);
  }

  give(frame: ArrayBuffer): void {
    if (this.bytes > this.#limit - this.#charged) this.#frames--;
    else this.#free.push(frame);
  }

  /** A page has got its values. */
  hold(page: Page): void {
    page.place = this.#resident.length;
    this.#resident.push(page);
    if (this.scanning) this.#scanned.add(page);
  }

  /** A page is about to lose its values. */
  letGo(page: Page): void {
    const last = this.#resident.pop()!;
    if (last !== page) {
      this.#resident[page.place] = last;
      last.place = page.place;
    }
    page.place = -1;
    this.#scanned.delete(page);
  }

  /** All pages that `belongs` says yes to lose their values. */
  letGoAll(belongs: (page: Page) => boolean): void {
    for (const page of this.#resident.filter(belongs)) page.pager.release(page);
  }

  #evict(): ArrayBuffer | null {
    const resident = this.#resident;
    // Nothing is passed over more than twice: once for having been used, once for not being written.
    for (let left = 2 * resident.length; left > 0; left--) {
      if (this.#hand >= resident.length) this.#hand = 0;
      const page = resident[this.#hand]!;
      if (page.pins > 0 || page.used) {
        page.used = false;
        this.#hand++;
        continue;
      }
      if (page.pager.save(page)) return this.#empty(page);
      this.#hand++;
    }
    // Nothing can be written: somebody has to forget something.
    for (const page of resident) {
      const { pager } = page;
      if (!pager.forget()) continue;
      return this.#free.pop() ?? null;
    }
    return null;
  }

  #evictScanned(): ArrayBuffer | null {
    for (const page of this.#scanned) if (page.pins === 0 && page.pager.save(page)) return this.#empty(page);
    return null;
  }

  #empty(page: Page): ArrayBuffer {
    const frame = page.values!.buffer;
    this.letGo(page);
    page.values = null;
    return frame;
  }
}
