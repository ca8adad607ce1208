import type { RowSelection } from './contract.ts';

/** The selection in pieces of one file and at most so many rows each, in order. Pure. */
export function inWindows(selection: RowSelection, rowsAtMost: number): readonly RowSelection[] {
  return selection.files.flatMap((file) =>
    Array.from({ length: Math.max(1, Math.ceil((file.rowEnd - file.rowStart) / rowsAtMost)) }, (_, index) => {
      const rowStart = file.rowStart + index * rowsAtMost;
      const rowEnd = Math.min(file.rowEnd, rowStart + rowsAtMost);
      return { ...selection, files: [{ ...file, rowStart, rowEnd }] };
    }),
  );
}
