interface Entry {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

export interface Compared {
  readonly name: string;
  /** Undefined: not there. */
  readonly before: Buffer | undefined;
  readonly after: Buffer | undefined;
}

const contextLines = 3;

/** What changes from one text to another, as `diff -u` says it. Empty when nothing does. */
export function unifiedDiff({ name, before, after }: Compared): string {
  const entries = entriesOf(linesOf(before), linesOf(after));
  const changed = entries.flatMap(({ mark }, index) => (mark === ' ' ? [] : [index]));
  if (changed.length === 0) return '';
  const hunks: { from: number; to: number }[] = [];
  for (const index of changed) {
    const last = hunks.at(-1);
    if (last !== undefined && index - contextLines <= last.to)
      last.to = Math.min(index + contextLines + 1, entries.length);
    else
      hunks.push({ from: Math.max(0, index - contextLines), to: Math.min(index + contextLines + 1, entries.length) });
  }
  const [from, to] = [before === undefined ? '/dev/null' : name, after === undefined ? '/dev/null' : name];
  return `--- ${from}\n+++ ${to}\n${hunks.map((hunk) => hunkText(entries, hunk)).join('')}`;
}

function hunkText(entries: readonly Entry[], { from, to }: { readonly from: number; readonly to: number }): string {
  const count = (part: readonly Entry[], not: '-' | '+') => part.filter(({ mark }) => mark !== not).length;
  const [ahead, part] = [entries.slice(0, from), entries.slice(from, to)];
  const range = (not: '-' | '+') => {
    const length = count(part, not);
    return `${count(ahead, not) + (length === 0 ? 0 : 1)},${length}`;
  };
  const lines = part.map(
    ({ mark, text }) => `${mark}${text.endsWith('\n') ? text : `${text}\n\\ No newline at end of file\n`}`,
  );
  return `@@ -${range('+')} +${range('-')} @@\n${lines.join('')}`;
}

/** The longest common lines stay; what is equal at both ends is set aside first, which is nearly everything. */
function entriesOf(before: readonly string[], after: readonly string[]): readonly Entry[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const shorter = Math.min(before.length, after.length) - start;
  while (end < shorter && before.at(-1 - end) === after.at(-1 - end)) end++;
  const same = (text: string): Entry => ({ mark: ' ', text });
  return [
    ...before.slice(0, start).map(same),
    ...between(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

function between(before: readonly string[], after: readonly string[]): readonly Entry[] {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      lengths[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const entries: Entry[] = [];
  for (let i = 0, j = 0; i < before.length || j < after.length; ) {
    const [old, fresh] = [before[i], after[j]];
    if (old !== undefined && old === fresh) {
      entries.push({ mark: ' ', text: old });
      i++;
      j++;
    } else if (old !== undefined && (fresh === undefined || at(i + 1, j) >= at(i, j + 1))) {
      entries.push({ mark: '-', text: old });
      i++;
    } else {
      entries.push({ mark: '+', text: fresh ?? '' });
      j++;
    }
  }
  return entries;
}

function linesOf(text: Buffer | undefined): readonly string[] {
  return (text?.toString('utf8') ?? '').split(/(?<=\n)/).filter((line) => line !== '');
}
