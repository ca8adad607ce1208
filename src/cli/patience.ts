/** How long somebody who stopped the command waits for the notices about it. */
const patienceMs = 5000;

/** Gives up a while after an interruption; one that came before the notices are sent counts from then. */
export class Patience implements Disposable {
  readonly #controller = new AbortController();
  readonly #interruption: AbortSignal;
  #timer: NodeJS.Timeout | undefined;

  constructor(interruption: AbortSignal) {
    this.#interruption = interruption;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  begin(): void {
    if (this.#interruption.aborted) this.#count();
    else this.#interruption.addEventListener('abort', this.#count);
  }

  readonly #count = (): void => {
    this.#timer ??= setTimeout(() => this.#controller.abort(), patienceMs);
  };

  [Symbol.dispose](): void {
    this.#interruption.removeEventListener('abort', this.#count);
    clearTimeout(this.#timer);
  }
}
