/**
 * Where pages go that have no room in memory. All of it is synchronous: whoever needs a page needs it now, and from a file that the
 * system holds in its cache it takes less than a tenth of a millisecond. Throws what the file system throws.
 * All pages are of one size, and lie at multiples of it.
 */
export interface PageFile {
  write(position: number, bytes: Uint8Array): void;
  /** Fills all of `into` with what was written there, and throws where that is not there as it was. */
  read(position: number, into: Uint8Array): void;
  close(): void;
}
