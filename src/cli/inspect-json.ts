import type { InspectedModel, Inspection } from '../run/inspect.ts';

/** Version of the document; fields are only ever added. */
const version = 1;

/** What `inspect --json` prints. A free dimension is its name, or an empty text; an unknown count is null. */
export function inspectionJson({ models, dataset }: Inspection): Readonly<Record<string, unknown>> {
  return {
    v: version,
    models: models.map(modelJson),
    dataset:
      dataset === undefined
        ? null
        : {
            ...dataset,
            files: dataset.files.map((file) => ({ ...file, rowCount: file.rowCount ?? null })),
            rowCount: dataset.rowCount ?? null,
            rejectedLines: dataset.rejectedLines ?? null,
            rowGroups: dataset.rowGroups ?? null,
            columns: dataset.columns.map((column) => ({
              ...column,
              nullCount: column.nullCount ?? null,
              listShape: column.listShape ?? null,
            })),
          },
  };
}

function modelJson({ facts, files: _files, ...file }: InspectedModel): Readonly<Record<string, unknown>> {
  const { signature, ...about } = facts;
  return { ...file, ...about, inputs: signature.inputs, outputs: signature.outputs };
}
