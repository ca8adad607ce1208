/** What a file is that someone took for an ONNX model, and what to do about it. */
export interface ForeignFormat {
  readonly looksLike: string;
  readonly hint: string;
}

interface Magic extends ForeignFormat {
  readonly offset: number;
  readonly bytes: string;
}

const exportHint = 'export the trained model to ONNX and name that file';

/** `bytes` is latin1. */
const magics: readonly Magic[] = [
  {
    offset: 0,
    bytes: 'version https://git-lfs',
    looksLike: 'a Git LFS pointer, not the model itself',
    hint: 'fetch the real file with `git lfs pull`',
  },
  {
    offset: 4,
    bytes: 'ORTM',
    looksLike: "a model in ONNX Runtime's own .ort format",
    hint: 'use the .onnx file that it was converted from',
  },
  { offset: 0, bytes: 'PK\x03\x04', looksLike: 'a zip archive, as PyTorch and Keras save models', hint: exportHint },
  { offset: 0, bytes: '\x1f\x8b', looksLike: 'a gzip file', hint: 'unpack it with `gunzip`' },
  { offset: 0, bytes: '\x28\xb5\x2f\xfd', looksLike: 'a zstd file', hint: 'unpack it with `unzstd`' },
  { offset: 0, bytes: '\x89HDF', looksLike: 'an HDF5 file, as Keras saves models', hint: exportHint },
  { offset: 0, bytes: 'GGUF', looksLike: 'a GGUF file', hint: exportHint },
  { offset: 4, bytes: 'TFL3', looksLike: 'a TensorFlow Lite model', hint: exportHint },
  { offset: 8, bytes: '{"', looksLike: 'a safetensors file', hint: exportHint },
  {
    offset: 0,
    bytes: 'PAR1',
    looksLike: 'a Parquet file',
    hint: 'name the model here; the dataset goes to input.path',
  },
];

/** Names the format of bytes that did not parse as ONNX, if there is a sign of it. */
export function foreignFormat(bytes: Uint8Array): ForeignFormat | undefined {
  if (bytes.length === 0) {
    return { looksLike: 'an empty file', hint: 'copy or export the model again' };
  }
  const start = Buffer.from(bytes.subarray(0, 512));
  const head = start.toString('latin1');
  const magic = magics.find(({ offset, bytes: expected }) => head.startsWith(expected, offset));
  if (magic !== undefined) return { looksLike: magic.looksLike, hint: magic.hint };
  if (isPickle(bytes)) return { looksLike: 'a Python pickle', hint: exportHint };
  if (/^\s*<(!doctype\s+html|html|head|body)/i.test(head)) {
    return {
      looksLike: 'a web page (HTML)',
      hint: 'download the file itself; the address gave a page, maybe a login or an error',
    };
  }
  if (isPrintable(start)) {
    const firstLine = head.trimStart().split(/\r?\n/, 1)[0] ?? '';
    return { looksLike: `a text file that begins with ${JSON.stringify(firstLine.slice(0, 40))}`, hint: exportHint };
  }
  return undefined;
}

/** PROTO opcode, then the protocol's number. */
function isPickle([opcode, protocol = 0]: Uint8Array): boolean {
  return opcode === 0x80 && protocol >= 2 && protocol <= 5;
}

function isPrintable(bytes: Uint8Array): boolean {
  return bytes.every((byte) => (byte >= 0x20 && byte !== 0x7f) || textControls.has(byte));
}

/** Tab, line feed, form feed, carriage return: other control characters do not occur in text. */
const textControls: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0c, 0x0d]);
