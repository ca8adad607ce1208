import { basename, dirname } from 'node:path';
import type { JournalEntry } from './journal.ts';

/** Path → the name of a copy of the bytes, '' for a file whose bytes are lost, undefined for a folder. */
export type DiskState = ReadonlyMap<string, string | undefined>;

interface File {
  readonly type: 'file';
  /** What a power cut leaves: bytes count once they are flushed. */
  flushed: string;
}

interface Folder {
  readonly type: 'folder';
  readonly now: Map<string, Node>;
  readonly flushed: Map<string, Node>;
}

type Node = File | Folder;

/** A change of names that is not flushed yet; one of two folders, such as a rename, happens as a whole. */
interface NameChange {
  readonly folders: readonly Folder[];
  readonly apply: (names: 'now' | 'flushed') => void;
}

/**
 * A disk that keeps what it was told to flush, and of the rest keeps what it likes: bytes only after a flush of the file,
 * names only after a flush of their folder.
 */
class Disk {
  readonly #root: Folder = newFolder();
  #pending: NameChange[] = [];

  /** @param before what is there, and safe, when the journal begins */
  constructor(before: DiskState) {
    for (const [path, bytes] of before) {
      const node: Node = bytes === undefined ? newFolder() : { type: 'file', flushed: bytes };
      this.#setName(path, node);
      this.#flushNames(this.#folder(dirname(path)));
    }
  }

  play({ change, path, from, bytes }: JournalEntry): void {
    switch (change) {
      case 'mkdir':
        this.#makeFolder(path);
        return;
      case 'open':
        this.#file(path).flushed = '';
        return;
      case 'writeFile':
        this.#file(path);
        return;
      case 'sync':
        // A file of a native library shows up here for the first time.
        this.#file(path).flushed = bytes ?? '';
        return;
      case 'syncFolder':
        this.#flushNames(this.#folder(path));
        return;
      case 'rename':
      case 'link':
        this.#give(path, { node: this.#file(from ?? ''), from: change === 'rename' ? from : undefined });
        return;
      case 'rm':
        this.#remove(path);
        return;
      default:
        throw new Error(`nobody knows what a power cut makes of ${change} ${path}`);
    }
  }

  /** What may be there after a power cut now: no, every, only one, or all but one of the changes that are not flushed. */
  afterPowerCut(): readonly DiskState[] {
    const count = this.#pending.length;
    const indexes = Array.from({ length: count }, (_, index) => index);
    const choices: ((index: number) => boolean)[] = [() => false, () => true];
    for (const one of indexes)
      choices.push(
        (index) => index === one,
        (index) => index !== one,
      );
    return choices.map((isKept) => this.#stateWith(isKept));
  }

  #stateWith(isKept: (index: number) => boolean): DiskState {
    const folders = new Set(this.#pending.flatMap((change) => change.folders));
    const saved = [...folders].map((folder) => ({ folder, names: new Map(folder.flushed) }));
    for (const [index, change] of this.#pending.entries()) if (isKept(index)) change.apply('flushed');
    const state = new Map<string, string | undefined>();
    list(this.#root, '', state);
    for (const { folder, names } of saved) {
      folder.flushed.clear();
      for (const [name, node] of names) folder.flushed.set(name, node);
    }
    return state;
  }

  #folder(path: string): Folder {
    if (path === '.') return this.#root;
    const node = this.#folder(dirname(path)).now.get(basename(path));
    if (node?.type !== 'folder') throw new Error(`${path} is no folder`);
    return node;
  }

  #makeFolder(path: string): void {
    if (path === '.') return;
    this.#makeFolder(dirname(path));
    if (!this.#folder(dirname(path)).now.has(basename(path))) this.#setName(path, newFolder());
  }

  #file(path: string): File {
    const found = this.#folder(dirname(path)).now.get(basename(path));
    if (found?.type === 'file') return found;
    const file: File = { type: 'file', flushed: '' };
    this.#setName(path, file);
    return file;
  }

  #setName(path: string, node: Node): void {
    this.#give(path, { node, from: undefined });
  }

  #give(path: string, { node, from }: { readonly node: Node; readonly from: string | undefined }): void {
    const folder = this.#folder(dirname(path));
    const source = from === undefined ? undefined : this.#folder(dirname(from));
    this.#change({
      folders: source === undefined ? [folder] : [folder, source],
      apply: (names) => {
        if (from !== undefined) source?.[names].delete(basename(from));
        folder[names].set(basename(path), node);
      },
    });
  }

  #remove(path: string): void {
    const folder = this.#folder(dirname(path));
    const node = folder.now.get(basename(path));
    if (node === undefined) return;
    if (node.type === 'folder') for (const name of [...node.now.keys()]) this.#remove(`${path}/${name}`);
    this.#change({ folders: [folder], apply: (names) => void folder[names].delete(basename(path)) });
  }

  #change(change: NameChange): void {
    change.apply('now');
    this.#pending.push(change);
  }

  #flushNames(folder: Folder): void {
    for (const change of this.#pending) if (change.folders.includes(folder)) change.apply('flushed');
    this.#pending = this.#pending.filter((change) => !change.folders.includes(folder));
  }
}

function newFolder(): Folder {
  return { type: 'folder', now: new Map(), flushed: new Map() };
}

function list(folder: Folder, path: string, into: Map<string, string | undefined>): void {
  for (const [name, node] of folder.flushed) {
    const own = path === '' ? name : `${path}/${name}`;
    into.set(own, node.type === 'file' ? node.flushed : undefined);
    if (node.type === 'folder') list(node, own, into);
  }
}

/** Each state that a power cut may leave, anywhere in the journal, once. */
export function statesAfterPowerCuts(before: DiskState, journal: readonly JournalEntry[]): readonly DiskState[] {
  const disk = new Disk(before);
  const states = new Map<string, DiskState>();
  const keep = () => {
    for (const state of disk.afterPowerCut()) states.set(JSON.stringify([...state].sort()), state);
  };
  keep();
  for (const entry of journal) {
    disk.play(entry);
    keep();
  }
  return [...states.values()];
}

/** What is there for certain once the run has told that it published. */
export function stateWhenDone(before: DiskState, journal: readonly JournalEntry[]): DiskState {
  const disk = new Disk(before);
  for (const entry of journal) disk.play(entry);
  return disk.afterPowerCut()[0] ?? new Map();
}
