/** One change or flush of the disk, in the order in which they happened. */
export interface JournalEntry {
  readonly change: string;
  readonly path: string;
  readonly from?: string;
  /** Name of a copy of the file's bytes. */
  readonly bytes?: string;
}

export const journalFile = 'journal.jsonl';
