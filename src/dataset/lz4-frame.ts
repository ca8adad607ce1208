/**
 * Decodes an LZ4 frame: what pandas packs the buffers of a Feather file with, and Node has no decoder for.
 * Checksums are not looked at.
 * @throws Error when the frame is damaged
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
export function decodeLz4Frame(frame: Uint8Array): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.byteLength < 7 || view.getUint32(0, true) !== 0x184d2204) throw damaged();
  const flags = view.getUint8(4);
  const hasBlockChecksums = (flags & 0x10) !== 0;
  const hasContentSize = (flags & 0x08) !== 0;
  const output = new Output(hasContentSize ? Number(view.getBigUint64(6, true)) : frame.byteLength * 4);
  let at = 7 + (hasContentSize ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
  for (;;) {
    if (at + 4 > frame.byteLength) throw damaged();
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) return output.take();
    const length = size & 0x7fff_ffff;
    const block = frame.subarray(at, at + length);
    if (block.byteLength < length) throw damaged();
    // The highest bit says that the block is stored as it is.
    if (size >= 0x8000_0000) output.append(block);
    else decodeBlock(block, output);
    at += length + (hasBlockChecksums ? 4 : 0);
  }
}

/** @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */
function decodeBlock(block: Uint8Array, output: Output): void {
  let at = 0;
  const next = () => {
    const byte = block[at++];
    if (byte === undefined) throw damaged();
    return byte;
  };
  const extended = (nibble: number) => {
    let length = nibble;
    if (nibble === 15) for (let more = 255; more === 255; length += more) more = next();
    return length;
  };
  while (at < block.byteLength) {
    const token = next();
    const literals = extended(token >> 4);
    if (at + literals > block.byteLength) throw damaged();
    output.append(block.subarray(at, at + literals));
    at += literals;
    // The last sequence has no match.
    if (at === block.byteLength) return;
    const distance = next() | (next() << 8);
    output.repeat(distance, extended(token & 0x0f) + 4);
  }
}

class Output {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.byteLength;
  }

  /** Appends what lies `distance` bytes back; a match may overlap itself. */
  repeat(distance: number, length: number): void {
    if (distance === 0 || distance > this.#length) throw damaged();
    this.#reserve(length);
    const bytes = this.#bytes;
    const end = this.#length;
    if (distance >= length) bytes.copyWithin(end, end - distance, end - distance + length);
    else for (let index = 0; index < length; index++) bytes[end + index] = bytes[end + index - distance] ?? 0;
    this.#length += length;
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.byteLength) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.byteLength * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

function damaged(): Error {
  return new Error('its LZ4 compression is damaged');
}
