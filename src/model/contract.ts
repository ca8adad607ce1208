/** Element types that ONNX Runtime's Node binding can feed and fetch. */
export const tensorTypes = [
  'float32', 'float64', 'float16',
  'int8', 'int16', 'int32', 'int64',
  'uint8', 'uint16', 'uint32', 'uint64',
  'bool', 'string',
] as const;
export type TensorType = (typeof tensorTypes)[number];

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
