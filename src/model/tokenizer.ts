import type { Encoding, Tokenizer } from 'tokenizers';
import { messageOf } from '../core/errors.ts';
import { canCut } from './can-cut.ts';
import { beginningOf, endOf } from './cut-text.ts';
import { cutTokens, type RowTokens } from './cut-tokens.ts';
import { loadTokenizers } from './load-tokenizers.ts';
import { invalidTokenizer, type TokenizerText } from './tokenizer-json.ts';

export interface Padding {
  readonly id: number;
  readonly type: number;
  readonly isLeft: boolean;
}

/** A text, or a pair. */
type Texts = readonly string[];

const usualPads = ['[PAD]', '<pad>', '<|endoftext|>', '</s>'] as const;
/** Nearly all texts have a token in so many characters; where one has not, more of it is read. */
const charactersPerToken = 8;

/**
 * The tokenizer of a tokenizer.json, read by the library that Python's tokenizers is. Truncation and padding are left to
 * the caller, whatever the file says.
 */
export class TextTokenizer {
  readonly padding: Padding;
  readonly #tokenizer: Tokenizer;
  readonly #isLeft: boolean;
  readonly #canCut: boolean;

  private constructor(tokenizer: Tokenizer, json: TokenizerText['json']) {
    tokenizer.disablePadding();
    tokenizer.disableTruncation();
    this.#tokenizer = tokenizer;
    this.#isLeft = json.truncation?.direction === 'Left';
    this.#canCut = canCut(json, (text) => tokenizer.getNormalizer()?.normalizeString(text) ?? text);
    const pads = usualPads.map((token) => tokenizer.tokenToId(token) ?? undefined);
    this.padding = {
      id: json.padding?.pad_id ?? pads.find((id) => id !== undefined) ?? 0,
      type: json.padding?.pad_type_id ?? 0,
      isLeft: json.padding?.direction === 'Left',
    };
  }

  /** @throws AppError TOKENIZER_INVALID, TOKENIZERS_UNAVAILABLE */
  static async open(path: string, { text, json }: TokenizerText): Promise<TextTokenizer> {
    const { Tokenizer } = await loadTokenizers();
    let tokenizer: Tokenizer;
    try {
      tokenizer = Tokenizer.fromString(text);
    } catch (error) {
      throw invalidTokenizer(path, messageOf(error));
    }
    if (tokenizer.getVocabSize() === 0) throw invalidTokenizer(path, 'its vocabulary is empty');
    return new TextTokenizer(tokenizer, json);
  }

  get vocabularySize(): number {
    return this.#tokenizer.getVocabSize();
  }

  /** How many special tokens are added to one text, and to a pair. */
  async specialTokens(): Promise<{ readonly single: number; readonly pair: number }> {
    const count = async (addSpecialTokens: boolean, pair?: string) =>
      (await this.#tokenizer.encode('a', pair, { addSpecialTokens })).getLength();
    return {
      single: (await count(true)) - (await count(false)),
      pair: (await count(true, 'a')) - (await count(false, 'a')),
    };
  }

  /** The tokens of rows, made on another thread, as many as `maxLength` keeps; no more of long texts is read than it needs. */
  async encode(rows: readonly Texts[], maxLength: number): Promise<readonly RowTokens[]> {
    const made: RowTokens[] = [];
    let left = rows.map((texts, row) => ({ texts, row }));
    for (let least = maxLength * charactersPerToken; left.length > 0; least *= charactersPerToken) {
      const read = left.map(({ texts }) => texts.map((text) => this.#part(text, least)));
      const encodings = await this.#encodeAll(read);
      left = left.filter(({ texts, row }, at) => {
        const encoding = encodings[at];
        if (encoding === undefined) throw new Error('a row has no tokens');
        const isPart = texts.map((text, index) => text.length !== read[at]?.[index]?.length);
        const tokens = cutTokens(encoding, { maxLength, isLeft: this.#isLeft, isPart });
        if (tokens !== undefined) made[row] = tokens;
        return tokens === undefined;
      });
    }
    return made;
  }

  #part(text: string, least: number): string {
    if (!this.#canCut) return text;
    return this.#isLeft ? endOf(text, least) : beginningOf(text, least);
  }

  /** One after the other, so that one thread is busy with it; the library takes no pairs by the batch. */
  async #encodeAll(rows: readonly Texts[]): Promise<readonly Encoding[]> {
    if (rows.every(({ length }) => length === 1)) return this.#tokenizer.encodeBatch(rows.flat());
    const made: Encoding[] = [];
    for (const [text = '', pair] of rows) made.push(await this.#tokenizer.encode(text, pair));
    return made;
  }
}
