/** Work in steps of a few milliseconds: whoever runs it lets others have their turn between them. What it returns is its result. */
export type Steps<T> = Generator<undefined, T>;

/** Runs all steps behind one another. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
