/** A stack of things to undo, undone in reverse order. One that throws does not keep the others from it. */
export class Disposables implements Disposable {
  #undo: (() => void)[] = [];
  #disposed = false;

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Registers an undo step; runs it at once when everything is undone already. */
  add(undo: () => void): void {
    if (this.#disposed) undo();
    else this.#undo.push(undo);
  }

  use<T extends Disposable>(resource: T): T {
    this.add(() => resource[Symbol.dispose]());
    return resource;
  }

  /** Idempotent. The first error is thrown once all steps ran. */
  dispose(): void {
    this.#disposed = true;
    const errors: unknown[] = [];
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        undo();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
