import { dirname, join } from 'node:path';
import type { ModelFile, TokenizerFile } from '../model/contract.ts';
import type { ColumnLook } from '../plan/guess-columns.ts';
import { guessText } from '../plan/guess-text.ts';
import type { FeatureDraft } from '../spec/write-spec.ts';
import { besideModel } from './beside-model.ts';
import type { Ports } from './ports.ts';

export interface TextDraft {
  readonly feature: FeatureDraft;
  /** Names of the model inputs that it fills. */
  readonly inputs: readonly string[];
  readonly column: string;
  /** undefined where it has to be got first. */
  readonly tokenizer: TokenizerFile | undefined;
}

/** Its name says what it is; models name no input so. */
export const textName = 'text';

/** The text that a model is for, where it takes tokens, with the tokenizer that was saved with it. */
export async function draftText(
  ports: Ports,
  { facts, path }: ModelFile,
  columns: readonly ColumnLook[],
): Promise<TextDraft | undefined> {
  const guess = guessText(facts.signature, columns);
  if (guess === undefined) return undefined;
  const tokenizer = await besideModel(ports, path);
  const comments = [guess.comment, ...(tokenizer === undefined ? [missing] : [])];
  const tokenizerPath = tokenizer?.path ?? join(dirname(path), 'tokenizer.json');
  const { column, inputs } = guess;
  return {
    feature: { input: textName, columns: [column.name], comments, tokenizer: tokenizerPath },
    inputs: inputs.map(({ name }) => name),
    column: column.name,
    tokenizer,
  };
}

const missing =
  "CHECK: there is no tokenizer.json beside the model. Take the one of the model's repository, or have transformers write it: AutoTokenizer.from_pretrained(name).save_pretrained(folder).";
