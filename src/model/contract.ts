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
  readonly facts: ModelFacts;
}

/** The model room's door for use cases. */
export interface ModelReader {
  /** @throws AppError MODEL_NOT_FOUND, MODEL_INVALID */
  read(path: string): Promise<ModelFile>;
  /** Versions of what decodes images. @throws AppError DECODER_UNAVAILABLE */
  imageDecoder(): Promise<string>;
}
