import type { FileStamp } from '../core/file-stamp.ts';
import type { ElementType } from '../dataset/contract.ts';

/** Element types that ONNX Runtime's Node binding can feed and fetch. */
export type TensorType = ElementType;

/** One input or output tensor as the model declares it. */
export interface TensorSignature {
  readonly kind: 'tensor';
  readonly name: string;
  readonly type: TensorType;
  /** One entry per dimension; a number is fixed, a string is free (its symbolic name, '' if it has none). */
  readonly shape: readonly (number | string)[];
}

/** An input or output that is no tensor that nightshift can use: a sequence, a map, an unsupported element type. */
export interface OtherSignature {
  readonly kind: 'other';
  readonly name: string;
  /** As ONNX writes it, e.g. `seq(map(int64,tensor(float)))`. */
  readonly type: string;
}

export type ValueSignature = TensorSignature | OtherSignature;

export interface ModelSignature {
  /** Inputs that a caller must feed (graph inputs that are not initializers). */
  readonly inputs: readonly ValueSignature[];
  readonly outputs: readonly ValueSignature[];
}

/** All that is known about a model from its bytes alone, without a session. */
export interface ModelFacts {
  readonly irVersion: number;
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly producer: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Paths of external data files, relative to the model's folder, sorted, without duplicates. */
  readonly externalData: readonly string[];
  readonly signature: ModelSignature;
  /** Outputs that came out of a ZipMap and are exposed as the tensor that feeds it. */
  readonly unzippedOutputs: readonly string[];
}

/** A model file as far as its bytes tell. */
export interface ModelFile {
  /** Absolute path. */
  readonly path: string;
  /** Lower-case hex; with external data files, of their digests too. */
  readonly sha256: string;
  /** With external data files. */
  readonly sizeBytes: number;
  /** Those files, as they were when they were read. */
  readonly files: readonly FileStamp[];
  readonly facts: ModelFacts;
}

/** The model room's door for use cases. */
export interface ModelReader {
  /** @throws AppError MODEL_NOT_FOUND, MODEL_INVALID */
  read(path: string): Promise<ModelFile>;
  /** Versions of what decodes images. @throws AppError DECODER_UNAVAILABLE */
  imageDecoder(): Promise<string>;
}

/** A tokenizer.json as far as planning needs it. */
export interface TokenizerFile {
  /** Absolute path. */
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** What makes tokens of words: `WordPiece`, `BPE`, `Unigram`, `WordLevel`. */
  readonly kind: string;
  readonly vocabularySize: number;
  /** What reads it, and its version. */
  readonly library: string;
  /** Tokens of a text at most, where the file says so. */
  readonly maxLength: number | undefined;
  /** How many special tokens are added to one text, and to a pair. */
  readonly specialTokens: { readonly single: number; readonly pair: number };
}

export interface TokenizerReader {
  /** @throws AppError TOKENIZER_NOT_FOUND, TOKENIZER_INVALID, TOKENIZERS_UNAVAILABLE */
  read(path: string): Promise<TokenizerFile>;
}

/** A model input that a text fills. */
export interface TokenInput {
  readonly name: string;
  readonly element: 'int64' | 'int32';
}

/** How texts become token ids, all of it decided. */
export interface TextEncoding {
  readonly tokenizer: { readonly path: string; readonly sha256: string };
  /** Tokens of a row at most, special ones among them. */
  readonly maxLength: number;
  /** Every row is padded to so many tokens; undefined is the longest of the batch. */
  readonly fixedLength?: number | undefined;
  /** Whether longer texts are cut, else rejected. */
  readonly truncation: boolean;
  /** Words, and columns by their place in the feature; undefined for texts, or pairs, as they are. */
  readonly template?: readonly (string | number)[] | undefined;
  readonly ids: TokenInput;
  readonly mask?: TokenInput | undefined;
  readonly types?: TokenInput | undefined;
}
