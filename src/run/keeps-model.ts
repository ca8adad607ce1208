import type { ModelFile } from '../model/contract.ts';
import type { JobSpec } from '../spec/job-spec.ts';

/**
 * Whether the model is kept as ONNX Runtime has optimised it; or why not, although the job asks for it. One with
 * external data names its files, which ONNX Runtime looks for beside the model, wherever that is.
 */
export function keepsModel(
  { execution }: Pick<JobSpec, 'execution'>,
  { facts }: Pick<ModelFile, 'facts'>,
): { readonly isKept: boolean; readonly reason?: string } {
  if (!execution.optimizedModelCache) return { isKept: false };
  if (execution.graphOptimization === 'off')
    return { isKept: false, reason: 'execution.optimizedModelCache keeps nothing where graphOptimization is off' };
  const [first] = facts.externalData;
  if (first === undefined) return { isKept: true };
  return {
    isKept: false,
    reason: `execution.optimizedModelCache keeps no models with external data files, as this one has in ${first}`,
  };
}
