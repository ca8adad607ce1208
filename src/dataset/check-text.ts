import { AppError, messageOf } from '../core/errors.ts';
import { systemCode } from '../core/files.ts';
import { openText } from './open-text.ts';

const headBytes = 64 * 1024;

/**
 * Refuses a text file that DuckDB would read wrongly without a word: compressed data that is cut off or damaged, of
 * which it gives the rows up to there, and text with NUL bytes, such as UTF-16. What is compressed is read to its end.
 * @throws AppError INPUT_UNREADABLE
 */
export async function checkText(path: string): Promise<void> {
  const isCompressed = /\.(gz|zst)$/i.test(path);
  const text = openText(path);
  if (text === undefined) return;
  let seen = 0;
  try {
    for await (const piece of text) {
      if (Buffer.isBuffer(piece) && seen < headBytes && piece.subarray(0, headBytes - seen).includes(0))
        throw notText(path);
      seen += Buffer.isBuffer(piece) ? piece.length : 0;
      if (!isCompressed && seen >= headBytes) break;
    }
  } catch (error) {
    if (error instanceof AppError || !isCompressed || systemCode(error)?.startsWith('E') === true) throw error;
    throw new AppError(
      'INPUT_UNREADABLE',
      `cannot read ${path}: its compressed data is damaged or cut off (${messageOf(error)})`,
      {
        hint: 'fetch or write the file anew; rows after the damage would be lost',
        cause: error,
      },
    );
  } finally {
    text.destroy();
  }
}

function notText(path: string): AppError {
  return new AppError('INPUT_UNREADABLE', `cannot read ${path}: it holds NUL bytes, so it is no UTF-8 text`, {
    hint: 'a file in UTF-16 is made UTF-8 by `iconv -f UTF-16 -t UTF-8`',
  });
}
