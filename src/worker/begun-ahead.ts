export interface BegunAhead<Item, Made> {
  readonly begin: (item: Item) => Promise<Made>;
  /** Items that are begun before the one in front of them is asked for. */
  readonly ahead: number;
}

/**
 * What is made of each item, in their order. The next ones are begun before one is given: a session's call then holds
 * this thread, and what other threads were given goes on meanwhile. A failure is thrown when its item is due; nothing
 * that was begun goes on after the end.
 */
export async function* begunAhead<Item, Made>(
  items: AsyncIterable<Item>,
  { begin, ahead }: BegunAhead<Item, Made>,
): AsyncGenerator<Made> {
  const begun: Promise<Made>[] = [];
  try {
    for await (const item of items) {
      const made = begin(item);
      made.catch(() => undefined);
      begun.push(made);
      if (begun.length > ahead) yield* first(begun);
    }
    while (begun.length > 0) yield* first(begun);
  } finally {
    await Promise.allSettled(begun);
  }
}

async function* first<Made>(begun: Promise<Made>[]): AsyncGenerator<Made> {
  const made = begun.shift();
  if (made !== undefined) yield await made;
}
