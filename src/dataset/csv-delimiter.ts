/** In the order in which a tie is decided. */
const candidates = [',', ';', '\t', '|'];

/**
 * The delimiter of a CSV file by its first lines: of those that are in the first record, the one that most records
 * hold as often as the first does. Ragged records don't mislead it, as they do DuckDB's own guess.
 */
export function chooseDelimiter(lines: readonly string[]): string {
  const all = records(lines);
  let best = { delimiter: ',', agreeing: 0, count: 0 };
  for (const delimiter of candidates) {
    const [count = 0, ...others] = all.map((record) => countUnquoted(record, delimiter));
    if (count === 0) continue;
    const agreeing = others.filter((other) => other === count).length;
    if (agreeing > best.agreeing || (agreeing === best.agreeing && count > best.count))
      best = { delimiter, agreeing, count };
  }
  return best.delimiter;
}

/** Lines joined to records: a line end inside quotes ends none. An open quote at the end of the sample is left out. */
function records(lines: readonly string[]): readonly string[] {
  const complete: string[] = [];
  let open = '';
  for (const line of lines) {
    const record = open === '' ? line : `${open}\n${line}`;
    const isOpen = record.split('"').length % 2 === 0;
    open = isOpen ? record : '';
    if (!isOpen && record !== '') complete.push(record);
  }
  return complete.length === 0 ? lines.slice(0, 1) : complete;
}

function countUnquoted(record: string, delimiter: string): number {
  return record
    .split('"')
    .filter((_, index) => index % 2 === 0)
    .reduce((count, text) => count + text.split(delimiter).length - 1, 0);
}
