import type { ExecutionOptions, Round } from './contract.ts';

/** The rounds of a run, of which most have one. */
export class Rounds {
  readonly #rest: Round[];
  #unfinished = 0;

  constructor({ rounds, batch, shards }: Pick<ExecutionOptions, 'rounds' | 'batch' | 'shards'>) {
    this.#rest = [...(rounds ?? [{ batch, shards: shards.map(({ index }) => index) }])];
  }

  /** The next round, once all shards of the last one are done. */
  next(): Round | undefined {
    const round = this.#unfinished === 0 ? this.#rest.shift() : undefined;
    this.#unfinished += round?.shards.length ?? 0;
    return round;
  }

  finishOne(): void {
    this.#unfinished--;
  }
}
