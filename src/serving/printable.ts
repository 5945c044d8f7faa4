/** What a request said, as it may stand in an answer and in a terminal. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 100);
}
