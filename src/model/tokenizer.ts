import { Tokenizer } from '@huggingface/tokenizers';
import { messageOf } from '../core/errors.ts';
import { invalidTokenizer, type TokenizerJson } from './tokenizer-json.ts';

/** Where the special tokens of a text or pair stand: their ids, and the places of its texts. */
export type TokenLayout = readonly { readonly id: number | undefined; readonly text: 0 | 1; readonly type: number }[];

export interface Padding {
  readonly id: number;
  readonly type: number;
  readonly isLeft: boolean;
}

const usualPads = ['[PAD]', '<pad>', '<|endoftext|>', '</s>'] as const;
/** Tokens that no text can be cut into. */
const places = ['\0first', '\0second'] as const;

/**
 * The tokenizer of a tokenizer.json. Truncation, padding and special tokens are left to the caller: the library knows
 * nothing of the first two, and takes an empty second text for none.
 */
export class TextTokenizer {
  readonly layouts: { readonly single: TokenLayout; readonly pair: TokenLayout };
  readonly padding: Padding;
  readonly vocabularySize: number;
  /** Long texts lose their beginning rather than their end. */
  readonly truncatesLeft: boolean;
  readonly #tokenizer: Tokenizer;

  /** @throws AppError TOKENIZER_INVALID */
  constructor(path: string, json: TokenizerJson) {
    try {
      // What decodes is of no use here, and may be of a kind that the library does not know.
      this.#tokenizer = new Tokenizer(
        { post_processor: null, ...json, decoder: null, truncation: null, padding: null },
        {},
      );
      this.vocabularySize = this.#tokenizer.get_vocab().size;
      if (this.vocabularySize === 0) throw new Error('its vocabulary is empty');
      this.layouts = { single: this.#layout(json, 1), pair: this.#layout(json, 2) };
      this.ids('It reads.');
    } catch (error) {
      throw invalidTokenizer(path, messageOf(error));
    }
    this.truncatesLeft = json.truncation?.direction === 'Left';
    const pad = usualPads.map((token) => this.#tokenizer.token_to_id(token)).find((id) => id !== undefined) ?? 0;
    this.padding = {
      id: json.padding?.pad_id ?? pad,
      type: json.padding?.pad_type_id ?? 0,
      isLeft: json.padding?.direction === 'Left',
    };
  }

  /** Without special tokens. What the vocabulary has no word for, not even an unknown one, is left out. */
  ids(text: string): readonly number[] {
    const { ids } = this.#tokenizer.encode(text.toWellFormed(), { add_special_tokens: false });
    return ids.every(Number.isInteger) ? ids : ids.filter(Number.isInteger);
  }

  #layout(json: TokenizerJson, texts: 1 | 2): TokenLayout {
    const [first, second] = places;
    const pair = texts === 1 ? null : [second];
    const done = this.#tokenizer.post_processor?.post_process([first], pair, true);
    const tokens = [...(done?.tokens ?? [first]), ...(done === undefined ? (pair ?? []) : (done.tokens_pair ?? []))];
    // The library gives RoBERTa's pairs types, which they do not have.
    const hasTypes = json.post_processor?.type !== 'RobertaProcessing';
    return tokens.map((token, at) => {
      const text = token === second ? 1 : 0;
      const type = hasTypes ? (done?.token_type_ids?.[at] ?? text) : 0;
      if (token === first || token === second) return { id: undefined, text, type };
      const id = this.#tokenizer.token_to_id(token);
      if (id === undefined) throw new Error(`its special token ${token} is not in the vocabulary`);
      return { id, text, type };
    });
  }
}
