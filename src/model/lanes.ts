/** Runs so many tasks at a time, whoever gave them, in the order in which they came. */
export class Lanes {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs a task for each row; the first failure is thrown once the others that go on have ended. */
  async forEach(rows: Iterable<number>, task: (row: number) => Promise<void>): Promise<void> {
    let isFailed = false;
    const unlessFailed = async (row: number) => {
      if (isFailed) return;
      try {
        await task(row);
      } catch (error) {
        isFailed = true;
        throw error;
      }
    };
    const ends = await Promise.allSettled(Array.from(rows, (row) => this.#run(() => unlessFailed(row))));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #run(task: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    // Whoever ends hands its lane over.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
