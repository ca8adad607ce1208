import type { ModelFacts, TensorSignature } from '../model/contract.ts';

export interface OutputGuess {
  readonly name: string;
  readonly expression: string;
  readonly comment: string | undefined;
}

/**
 * An output column for every tensor that a model gives, and what to say about the outputs that cannot be had.
 * @param kept names that are taken
 */
export function guessOutputs(
  facts: ModelFacts,
  kept: readonly string[],
): { readonly columns: readonly OutputGuess[]; readonly comments: readonly string[] } {
  const taken = new Set(kept);
  const columns: OutputGuess[] = [];
  const comments: string[] = [];
  for (const output of facts.signature.outputs) {
    if (output.kind === 'other') {
      comments.push(`The output ${output.name} is ${output.type}, which cannot be written.`);
      continue;
    }
    const guess = pooledGuess(output, facts) ?? guessOutput(output);
    const name = freeName(guess.name, taken);
    taken.add(name);
    columns.push({ ...guess, name });
  }
  return { columns, comments };
}

/** What a text model gives for each position is worth little as it is, and has another length for each text. */
function pooledGuess({ name, type, shape }: TensorSignature, { signature }: ModelFacts): OutputGuess | undefined {
  const source = expressionName(name);
  const [, positions] = shape;
  const has = (input: string) =>
    signature.inputs.some(
      (found) =>
        found.name === input &&
        found.kind === 'tensor' &&
        found.type !== 'string' &&
        found.shape.length === 2 &&
        found.shape[1] === positions,
    );
  if (shape.length === 3 && type.startsWith('float') && has('attention_mask')) {
    const comment = `the mean over the positions of attention_mask, of length 1; cls(${source}) is the first position`;
    return { name: 'embedding', expression: `normalize(meanPool(${source}))`, comment };
  }
  if (typeof positions !== 'string' || !has('input_ids')) return undefined;
  const comment = 'the first position; each text has another length';
  if (shape.length === 3) return { name, expression: `cls(${source})`, comment };
  // Without a name it may be anything.
  return shape.length === 2 && positions !== '' ? { name, expression: `${source}[0]`, comment } : undefined;
}

function guessOutput({ name, type, shape }: TensorSignature): OutputGuess {
  const source = expressionName(name);
  const inner = shape.slice(1).filter((dim) => dim !== 1);
  const isVector = inner.length === 1 && type.startsWith('float');
  if (isVector && inner[0] === 2 && /prob/i.test(name))
    return {
      name: name.replace(/probabilities$/, 'probability'),
      expression: `${source}[1]`,
      comment: `of the second class; the first is ${source}[0]`,
    };
  if (!isVector) return { name, expression: source, comment: undefined };
  const suggestion = /logit/i.test(name)
    ? `argmax(${source}) is the likeliest class, softmax(${source})[0] a chance, label(argmax(${source}), labels.json) a name`
    : `a list; ${source}[0] is its first value`;
  return { name, expression: source, comment: suggestion };
}

/** Output expressions quote names that are not plain words. */
function expressionName(name: string): string {
  return /^[^\s()[\]",]+$/.test(name) ? name : JSON.stringify(name);
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  while (taken.has(free)) free = `${free}_predicted`;
  return free;
}
