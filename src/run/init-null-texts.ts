import type { InputRequest } from '../dataset/contract.ts';
import { type InputArguments, inputRequest, openIn } from './open-for-look.ts';
import type { Ports } from './ports.ts';

/** Texts that people and programs write for "no value", beside nothing at all. */
const nullTexts = [
  'NA',
  'N/A',
  'n/a',
  '#N/A',
  'NULL',
  'null',
  'NaN',
  'nan',
  'None',
  'none',
  'nil',
  '\\N',
  '-',
  '?',
  '.',
];

/**
 * Which texts of a CSV dataset stand for null: those that keep a column of numbers or dates from being one. Texts that
 * only columns of text have are left alone.
 * @returns the nullValues for the spec; undefined when its default serves
 */
export async function findNullTexts(
  ports: Ports,
  request: InputArguments,
  paths: readonly string[],
): Promise<readonly string[] | undefined> {
  const plain = await openIn(ports, inputRequest(paths, request));
  await using _plainFolder = plain.folder;
  const all = inputRequest(paths, request, ['', ...nullTexts]);
  const typesWithAll = new Map((await ports.dataset.find(all)).columns.map(({ name, type }) => [name, type]));
  const suspects = plain.found.columns.filter(
    ({ name, type }) => type === 'VARCHAR' && (typesWithAll.get(name) ?? type) !== type,
  );
  const nothing = { sampleRows: undefined, nullsOf: [], uniqueOf: [], rejectsOf: [], firstRows: 0 };
  const { textsFound } = await ports.profileRows(plain.opened.facts, {
    ...nothing,
    textsIn: suspects.map((column) => column.name),
    texts: suspects.length === 0 ? [] : nullTexts,
  });
  // A text that the sniffer's sample missed shows in lines that don't parse, and in no column.
  if (textsFound.length > 0) return ['', ...textsFound];
  if (plain.opened.rejectedLines === 0) return undefined;
  return (await rejectedLines(ports, all)) < plain.opened.rejectedLines ? all.csv.nullValues : undefined;
}

async function rejectedLines(ports: Ports, input: InputRequest): Promise<number> {
  const { opened, folder } = await openIn(ports, input);
  await using _folder = folder;
  return opened.rejectedLines;
}
