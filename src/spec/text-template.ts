/** What a text is made of: words of the template, and the values of columns. */
export type TextPiece = string | { readonly column: string };

export type ParsedTemplate =
  | { readonly pieces: readonly TextPiece[]; readonly columns: readonly string[] }
  | { readonly problem: string };

/** Reads `query: {title}`; `{{` and `}}` are braces. Columns come once each, in the order in which they are named. */
export function parseTextTemplate(template: string): ParsedTemplate {
  const pieces: TextPiece[] = [];
  let words = '';
  for (let at = 0; at < template.length; ) {
    const rest = template.slice(at);
    const token = /^(?:\{\{|\}\}|\{([^{}]+)\}|[^{}]+)/.exec(rest);
    if (token === null) {
      const what = rest.startsWith('{')
        ? 'opens a placeholder that does not end'
        : 'ends a placeholder that was not opened';
      return { problem: `character ${at + 1} ${what}` };
    }
    const [written, column] = token;
    at += written.length;
    if (column === undefined) {
      words += written === '{{' || written === '}}' ? written.slice(1) : written;
      continue;
    }
    if (words !== '') pieces.push(words);
    words = '';
    pieces.push({ column: column.trim() });
  }
  if (words !== '') pieces.push(words);
  const columns = [...new Set(pieces.flatMap((piece) => (typeof piece === 'string' ? [] : piece.column)))];
  return columns.length === 0 ? { problem: 'names no column' } : { pieces, columns };
}
