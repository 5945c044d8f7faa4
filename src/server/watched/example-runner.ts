/** Runs the example computation, one at a time however often the button is pressed. */
export class ExampleRunner {
  readonly #run: () => Promise<void>;
  readonly #failed: (error: unknown) => void;
  #running = false;

  constructor(run: () => Promise<void>, failed: (error: unknown) => void) {
    this.#run = run;
    this.#failed = failed;
  }

  /** True: it starts now. False: it runs already. */
  start(): boolean {
    if (this.#running) return false;
    this.#running = true;
    Promise.resolve()
      .then(this.#run)
      .catch(this.#failed)
      .finally(() => {
        this.#running = false;
      });
    return true;
  }
}
