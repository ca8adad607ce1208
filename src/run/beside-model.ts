import { basename, dirname, join } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { TokenizerFile } from '../model/contract.ts';
import type { Ports } from './ports.ts';

/** The tokenizer.json that was saved with a model: beside it, or beside its folder `onnx`, as hubs lay them out. */
export async function besideModel(
  { tokenizers }: Pick<Ports, 'tokenizers'>,
  modelPath: string,
): Promise<TokenizerFile | undefined> {
  const folder = dirname(modelPath);
  const folders = basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder];
  for (const each of folders) {
    try {
      return await tokenizers.read(join(each, 'tokenizer.json'));
    } catch (error) {
      // Whoever looks at a model did not ask about this file.
      if (!(error instanceof AppError)) throw error;
    }
  }
  return undefined;
}
