/** A path into the spec: keys and list indexes. */
export type SpecPath = readonly (string | number)[];

/** A place in the text that a value is, from 0. */
export interface PlaceInText {
  readonly text: string;
  readonly position: number;
}

/** Where a value was written: in the file, or on the command line. Line and column count from 1. */
export type SpecLocation =
  | { readonly type: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly type: 'override'; readonly option: string };

export function formatLocation(location: SpecLocation): string {
  return location.type === 'file' ? `${location.file}:${location.line}:${location.column}` : location.option;
}

/** `jobs.late-flights.features."input:0".columns[1]`; `--set` reads the same notation, without the indexes. */
export function formatPath(path: SpecPath): string {
  return path
    .map((segment, index) => {
      if (typeof segment === 'number') return `[${segment}]`;
      const written =
        /^[\w-]+$/.test(segment) || (index === 1 && path[0] === 'jobs') ? segment : JSON.stringify(segment);
      return index === 0 ? written : `.${written}`;
    })
    .join('');
}
