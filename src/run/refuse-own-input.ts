import { realpath } from 'node:fs/promises';
import { AppError } from '../core/errors.ts';
import type { FoundDataset } from '../dataset/contract.ts';
import type { Locate } from '../plan/plan-input.ts';

/**
 * A run that publishes where it reads would replace its own input, and read its own output the next night.
 * @throws AppError SPEC_INVALID with the place of output.path
 */
export async function refuseOwnInput(found: FoundDataset, outputFolder: string, locate: Locate): Promise<void> {
  const folder = await realpath(outputFolder).catch(() => outputFolder);
  const inside = found.files.find((file) => file.source.startsWith(`${folder}/`));
  if (inside === undefined) return;
  throw new AppError(
    'SPEC_INVALID',
    `${locate(['output', 'path'])}: the input ${inside.source} lies in the output folder`,
    {
      hint: 'choose another output.path: this run would replace its own input',
    },
  );
}
