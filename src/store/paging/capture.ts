import type { Page, Pager } from './pager.ts';

/** The slot of a page whose values are gone. */
export const LOST_SLOT = 0xffff_ffff;
/** Pages that a step looks at: most are in the file as they are. */
const SEEN_A_STEP = 4_096;

/**
 * What is in some pages at one moment, written down step by step: a page that is about to change before its turn is written first.
 * One at a time. Beginning one touches no page: there are tens of thousands.
 */
export class Capture {
  readonly number: number;
  readonly #pager: Pager;
  readonly #pages: readonly Page[];
  /** Those that came before their turn: where they were. */
  readonly #early = new Map<Page, number>();
  readonly slots: Uint32Array;
  #next = 0;
  #failed = false;
  #scratch: ArrayBuffer | null = null;

  /** `pages`: all that the pager has. */
  constructor(pager: Pager, pages: readonly Page[]) {
    this.number = ++captures;
    this.#pager = pager;
    this.#pages = pages;
    this.slots = new Uint32Array(pages.length).fill(LOST_SLOT);
    pager.capture?.fail();
    pager.capture = this;
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
      if (page.seen !== this.number && !this.#pager.isSaved(page)) {
        written++;
        if (!this.#write(page)) break;
      }
      this.#put(page, this.#next);
    }
    if (!this.#failed && this.#next < pages.length) return false;
    if (this.#pager.capture === this) this.#pager.capture = null;
    return true;
  }

  /** A page is in the file as it was when this began. */
  early(page: Page): void {
    if (!this.#pager.isSaved(page)) return;
    page.seen = this.number;
    page.kept = true;
    this.#early.set(page, page.slot);
  }

  /** A page is about to be given up: what is in it now is written before its turn. */
  ahead(page: Page): void {
    if (this.#write(page) && page.seen !== this.number) this.early(page);
  }

  fail(): void {
    if (this.#failed) return;
    this.#failed = true;
    if (this.#pager.capture === this) this.#pager.capture = null;
    this.#pager.keep(this.#written(), false);
  }

  /** It is in place: what only the checkpoint before it needed may be written over. */
  commit(): void {
    this.#pager.keep(this.#written(), true);
  }

  #written(): Uint32Array {
    return Uint32Array.from([...this.slots.filter((slot) => slot !== LOST_SLOT), ...this.#early.values()]);
  }

  /** Sees to it that what is in a page is in the file. False: it cannot be, and all has failed. */
  #write(page: Page): boolean {
    if (this.#pager.isSaved(page)) return true;
    if (page.values === null) this.#copy(page);
    else this.#pager.save(page);
    return !this.#failed;
  }

  /** A page that is in the file, or came before its turn, or is lost. */
  #put(page: Page, place: number): void {
    if (page.seen !== this.number) this.early(page);
    const known = this.#early.get(page);
    if (known === undefined) return;
    this.#early.delete(page);
    this.slots[place] = known;
  }

  /** A page that lies in another file gets a place in this pager's own. */
  #copy(page: Page): void {
    this.#scratch ??= new ArrayBuffer(this.#pager.bytes);
    if (this.#pager.read(page, this.#scratch) !== null) page.seen = this.number;
    else if (!this.#pager.write(page, this.#scratch)) this.fail();
  }
}

let captures = 0;
