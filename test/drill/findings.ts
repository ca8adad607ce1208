import { type Finished, sql } from '../e2e/nightshift.ts';
import { type Digests, digestsOf, ledgersOf, nightshift, partsOf, type Scene, where } from './scene.ts';

export function ended({ exitCode, stderr }: Finished, wanted: number, code = ''): readonly string[] {
  const isAsWanted = exitCode === wanted && stderr.includes(code);
  return isAsWanted ? [] : [`ended with ${exitCode}, not ${wanted} ${code}: ${stderr.trim()}`];
}

/** What readers must find: the rows of these sources that pass the filter, but those that were rejected. */
export interface Wanted {
  readonly rowCount: number;
  /** Every key that has to be there, as SQL. */
  readonly keys: string;
  readonly rejected?: number;
}

export function allOf({ table, rowCount }: Pick<Scene, 'table' | 'rowCount'>): Wanted {
  return { rowCount, keys: `SELECT flight_id FROM read_parquet('${table}') WHERE ${where}` };
}

/** What is wrong with the table that is published: its ledger, keys that are lost or there twice, its checksums. */
export async function tableProblems(cwd: string, wanted: Wanted): Promise<readonly string[]> {
  const problems: string[] = [];
  const ledgers = await ledgersOf(cwd);
  if (ledgers.length === 0) return ['nothing is published'];
  let [rowsIn, rejected, out] = [0, 0, 0];
  for (const ledger of ledgers) {
    rowsIn += ledger.in;
    rejected += ledger.rejected;
    out += ledger.out;
    if (ledger.in !== ledger.out + ledger.rejected + ledger.filtered)
      problems.push(`${ledger.in} rows in, but ${JSON.stringify(ledger)}`);
  }
  if (rowsIn !== wanted.rowCount) problems.push(`${rowsIn} rows in, not ${wanted.rowCount}`);
  if (rejected !== (wanted.rejected ?? 0)) problems.push(`${rejected} rows rejected, not ${wanted.rejected ?? 0}`);
  const [counted] = await sql(`
    WITH found AS (SELECT flight_id FROM ${partsOf(cwd)}), wanted AS (${wanted.keys})
    SELECT (SELECT count(*) FROM found) AS rows,
      (SELECT count(*) FROM (FROM wanted EXCEPT FROM found)) AS lost,
      (SELECT count(*) FROM (FROM found EXCEPT FROM wanted)) AS strange,
      (SELECT count(*) - count(DISTINCT flight_id) FROM found) AS repeated`);
  if (Number(counted?.['rows']) !== out) problems.push(`${counted?.['rows']} rows in the parts, ${out} in the ledger`);
  for (const name of ['lost', 'strange', 'repeated'])
    if (Number(counted?.[name]) !== 0) problems.push(`${counted?.[name]} keys ${name}`);
  return [...problems, ...ended(await nightshift(cwd, ['verify', 'out']), 0)];
}

/** Which parts differ from those of a run that nothing disturbed. */
export async function otherParts(cwd: string, wanted: Digests): Promise<readonly string[]> {
  const found = await digestsOf(cwd);
  const names = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  return [...names].filter((name) => found[name] !== wanted[name]);
}

export async function bytesProblems(cwd: string, wanted: Digests): Promise<readonly string[]> {
  const others = await otherParts(cwd, wanted);
  return others.length === 0 ? [] : [`other bytes than undisturbed: ${others.join(', ')}`];
}
