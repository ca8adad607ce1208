/** A quoted SQL identifier; any name is safe. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A quoted SQL string literal; any text without NUL is safe. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function quoteList(texts: readonly string[]): string {
  return `[${texts.map(quoteText).join(', ')}]`;
}

/** A path as its own glob: DuckDB's readers take every path for a pattern. */
export function literalGlob(path: string): string {
  return path.replaceAll(/[[*?]/g, '[$&]');
}

/** Paths for DuckDB's readers, each meaning itself whatever it is named. */
export function quotePaths(paths: readonly string[]): string {
  return quoteList(paths.map(literalGlob));
}
