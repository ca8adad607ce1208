import { stat } from 'node:fs/promises';
import { sha256OfFile } from '../core/files.ts';
import { checkFix } from './check-fix.ts';
import { Database, dataError } from './duckdb.ts';
import {
  type MergedPart,
  type MergeRequest,
  type RejectReplayer,
  replayColumn,
  type StagedRejects,
  type StageRejectsRequest,
} from './replay-contract.ts';
import { quoteName, quotePaths, quoteText } from './sql.ts';

export const rejectReplayer: RejectReplayer = { checkFix, stage: stageRejects, merge: mergeReplayed };

async function stageRejects(request: StageRejectsRequest): Promise<StagedRejects> {
  const { rejects, fix, columns, path } = request;
  using database = await openOver([rejects, ...(fix === undefined ? [] : [fix])], path);
  try {
    const mended = fix === undefined ? undefined : await mendedColumns(database, fix);
    const row = `rejected.row::JSON::STRUCT(${columns.map(({ name, type }) => `${quoteName(name)} ${type}`).join(', ')})`;
    const values = columns.map(({ name, type }) => {
      const kept = `made.${quoteName(name)}`;
      const isMended = mended?.columns.includes(name) === true;
      const value = isMended ? `CASE WHEN is_mended THEN fix.${quoteName(name)}::${type} ELSE ${kept} END` : kept;
      return `${value} AS ${quoteName(name)}`;
    });
    const join =
      mended === undefined || fix === undefined
        ? ''
        : `LEFT JOIN (SELECT *, true AS is_mended FROM read_parquet(${quotePaths([fix])})) fix ON ${mended.on}`;
    const sql = `SELECT ${values.join(', ')}, rejected.${replayColumn} FROM
      (SELECT *, ${row} AS made FROM (${numbered(rejects)}) rejected WHERE part_row IS NOT NULL AND row IS NOT NULL) rejected ${join}
      ORDER BY rejected.${replayColumn}`;
    const rows = await database.run(`COPY (${sql}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`);
    const { size, mtimeMs } = await stat(path);
    return { rows, sizeBytes: size, mtimeMs: Math.round(mtimeMs) };
  } catch (error) {
    throw dataError(error, rejects);
  }
}

/** The columns that a fix brings, and how its rows find their rejects. */
async function mendedColumns(database: Database, fix: string) {
  const given = await database.columns(`SELECT * FROM read_parquet(${quotePaths([fix])}, hive_partitioning = false)`);
  const columns = given.map(({ name }) => name);
  const on = ['rejected.row_number = fix.row_number'];
  if (columns.includes('file')) on.push('rejected.file = fix.file');
  return { columns, on: on.join(' AND ') };
}

async function mergeReplayed(request: MergeRequest): Promise<MergedPart> {
  const { rejects, part, scored, rejectedAgain, path, rejectsPath, spillFolder, format } = request;
  const sources = [rejects, part, scored, ...(rejectedAgain === undefined ? [] : [rejectedAgain])];
  using database = await openOver(sources, path, { spillFolder, also: rejectsPath });
  const replayed = `SELECT scored.* EXCLUDE (${replayColumn}), part_row AS place, false AS was_there, rejected.${replayColumn} AS nth
    FROM read_parquet(${quotePaths([scored])}) scored JOIN (${numbered(rejects)}) rejected USING (${replayColumn})`;
  const before = `SELECT *, row_number() OVER () - 1 AS place, true AS was_there, 0 AS nth FROM read_parquet(${quotePaths([part])})`;
  const rows = `SELECT * EXCLUDE (place, was_there, nth) FROM (${before} UNION ALL BY NAME ${replayed}) ORDER BY place, was_there, nth`;
  const compression = format.compression === 'none' ? 'uncompressed' : format.compression;
  try {
    const rowsOut = await database.run(
      `COPY (${rows}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION ${compression}, PARQUET_VERSION V1, ROW_GROUP_SIZE 122880)`,
    );
    await database.run(`COPY (${leftSql(request)}) TO ${quoteText(rejectsPath)} (FORMAT parquet, COMPRESSION zstd)`);
    const [left] = await database.rows(
      `SELECT coalesce(sum(row_count), 0)::DOUBLE AS rows FROM read_parquet(${quotePaths([rejectsPath])})`,
    );
    const { size } = await stat(path);
    return { rowsOut, rejectedRows: Number(left?.['rows']), sizeBytes: size, sha256: await sha256OfFile(path) };
  } catch (error) {
    throw dataError(error, path);
  }
}

/** Rejects that could not be replayed, or were rejected again; their places move with the rows that came before them. */
function leftSql({ rejects, scored, rejectedAgain }: MergeRequest): string {
  const again =
    rejectedAgain === undefined
      ? `SELECT NULL::BIGINT AS ${replayColumn}, NULL::VARCHAR AS code, NULL::VARCHAR AS message, NULL::JSON AS row WHERE false`
      : `SELECT (row->>'${replayColumn}')::BIGINT AS ${replayColumn}, code, message, json_merge_patch(row, '{"${replayColumn}": null}') AS row FROM read_parquet(${quotePaths([rejectedAgain])})`;
  return `SELECT file, row_number, row_count, part_row + merged_before AS part_row, coalesce(again.code, old.code) AS code,
      coalesce(again.message, old.message) AS message, attempt + (again.code IS NOT NULL)::INTEGER AS attempt, coalesce(again.row, old.row) AS row
    FROM (SELECT rejected.*, scored.${replayColumn} IS NOT NULL AS is_merged,
        coalesce(sum((scored.${replayColumn} IS NOT NULL)::BIGINT) OVER (ORDER BY rejected.${replayColumn} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS merged_before
      FROM (${numbered(rejects)}) rejected LEFT JOIN read_parquet(${quotePaths([scored])}) scored USING (${replayColumn})) old
    LEFT JOIN (${again}) again USING (${replayColumn})
    WHERE NOT is_merged AND (part_row IS NULL OR old.row IS NULL OR again.code IS NOT NULL) ORDER BY old.${replayColumn}`;
}

function numbered(rejects: string): string {
  return `SELECT *, row_number() OVER () - 1 AS ${replayColumn} FROM read_parquet(${quotePaths([rejects])})`;
}

/** One thread, so that rows keep their order where they are counted. */
function openOver(
  readablePaths: readonly string[],
  path: string,
  options: { readonly spillFolder?: string; readonly also?: string } = {},
): Promise<Database> {
  const { spillFolder, also } = options;
  const folders = [path, also].flatMap((file) => (file === undefined ? [] : [file.slice(0, file.lastIndexOf('/'))]));
  if (spillFolder !== undefined) folders.push(spillFolder);
  return Database.open({ readablePaths, folders, threads: 1, ...(spillFolder === undefined ? {} : { spillFolder }) });
}
