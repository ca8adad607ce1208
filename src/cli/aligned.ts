/** Rows of cells as lines whose columns begin at the same place; trailing empty cells leave no blanks. */
export function aligned(rows: readonly (readonly string[])[], options: { readonly indent: number }): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - displayWidth(cell)))
      .join('  ')
      .trimEnd(),
  );
  return lines.map((line) => `${' '.repeat(options.indent)}${line}\n`).join('');
}

/** A cell on one line, cut to a width. */
export function cellText(text: string, maxWidth: number): string {
  const line = text.replaceAll(/\s/g, ' ').replaceAll(/\p{Cc}/gu, '·');
  return displayWidth(line) <= maxWidth ? line : `${[...line].slice(0, maxWidth - 1).join('')}…`;
}

export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** `3 files`, `1 file`. */
export function pluralText(count: number, noun: string, plural = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : plural}`;
}

/** `312 bytes`, `1.2 MiB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return pluralText(bytes, 'byte');
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  const value = bytes / 1024 ** power;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[power - 1] ?? ''}`;
}

const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}]/u;

/** East Asian characters and emoji take two places in a terminal. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += wide.test(character) ? 2 : 1;
  return width;
}
