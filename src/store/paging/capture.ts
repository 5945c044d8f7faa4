import type { Page, Pager } from './pager.ts';

/** The slot of a page whose values are gone. */
export const LOST_SLOT = 0xffff_ffff;
/** Pages that a step looks at: most are in the file as they are. */
const SEEN_A_STEP = 4_096;

/**
 * What is in some pages at one moment, written down step by step: a page that is about to change before its turn is written first.
 * One at a time.
 */
export class Capture {
  readonly #pager: Pager;
  readonly #pages: readonly Page[];
  readonly slots: Uint32Array;
  readonly checksums: Uint32Array;
  #next = 0;
  #failed = false;
  #scratch: ArrayBuffer | null = null;

  constructor(pager: Pager, pages: readonly Page[]) {
    this.#pager = pager;
    this.#pages = pages;
    this.slots = new Uint32Array(pages.length).fill(LOST_SLOT);
    this.checksums = new Uint32Array(pages.length);
    for (let i = 0; i < pages.length; i++) {
      const page = pages[i]!;
      page.captured = this;
      page.capturedAs = i;
    }
  }

  get failed(): boolean {
    return this.#failed;
  }

  /** Writes what is left, at most `most` pages of it. True when all is written, or cannot be. */
  step(most: number): boolean {
    const pages = this.#pages;
    const end = Math.min(pages.length, this.#next + SEEN_A_STEP);
    for (let written = 0; this.#next < end && written < most && !this.#failed; this.#next++) {
      const page = pages[this.#next]!;
      if (page.captured !== this) continue;
      if (this.#pager.isSaved(page)) {
        this.saved(page);
        continue;
      }
      written++;
      if (page.values === null) this.#copy(page);
      else this.#pager.save(page);
    }
    return this.#failed || this.#next === pages.length;
  }

  /** A page is in the file as it was when this began. */
  saved(page: Page): void {
    if (page.captured !== this) return;
    if (!this.#pager.isSaved(page)) return;
    page.captured = null;
    page.kept = true;
    this.slots[page.capturedAs] = page.slot;
    this.checksums[page.capturedAs] = page.checksum;
  }

  fail(): void {
    if (this.#failed) return;
    this.#failed = true;
    for (const page of this.#pages) if (page.captured === this) page.captured = null;
    this.#pager.keep(this.#written(), false);
  }

  /** It is in place: what only the checkpoint before it needed may be written over. */
  commit(): void {
    this.#pager.keep(this.#written(), true);
  }

  #written(): Uint32Array {
    return this.slots.filter((slot) => slot !== LOST_SLOT);
  }

  /** A page that lies in another file gets a place in this pager's own. */
  #copy(page: Page): void {
    this.#scratch ??= new ArrayBuffer(this.#pager.bytes);
    if (this.#pager.read(page, this.#scratch) !== null) page.captured = null;
    else if (this.#pager.write(page, this.#scratch)) this.saved(page);
    else this.fail();
  }
}
