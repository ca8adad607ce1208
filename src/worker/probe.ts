import { AppError, messageOf } from '../core/errors.ts';

/** Loads one native library as a worker would, in a process of its own: what crashes here takes nobody along. */
async function probe(what: string | undefined, path = ''): Promise<Readonly<Record<string, unknown>>> {
  if (what === 'duckdb') {
    const { Database } = await import('../dataset/duckdb.ts');
    using database = await Database.open({ readablePaths: [], folders: [], threads: 1 });
    const [row] = await database.rows('SELECT version() AS version');
    return { detail: String(row?.['version']) };
  }
  if (what === 'tokenizers') {
    const { loadTokenizers, tokenizersVersion } = await import('../model/load-tokenizers.ts');
    await loadTokenizers();
    return { detail: tokenizersVersion() };
  }
  if (what === 'sharp') return { detail: await (await import('../model/load-sharp.ts')).imageDecoder() };
  if (what === 'tokenizer') return (await import('../model/tokenizer-facts.ts')).tokenizerFacts(path);
  const { gpuInstaller, probeProvider } = await import('../model/probe-provider.ts');
  const provider = what === 'cuda' ? 'cuda' : 'cpu';
  const installer = gpuInstaller();
  try {
    return { detail: (await probeProvider(provider)).join(', '), installer };
  } catch (error) {
    return { error: messageOf(error), installer };
  }
}

const answer = await probe(process.argv[2], process.argv[3]).catch((error: unknown) => ({
  error: messageOf(error),
  ...(error instanceof AppError ? { code: error.code, hint: error.hint } : {}),
}));
process.stdout.write(`${JSON.stringify(answer)}\n`);
