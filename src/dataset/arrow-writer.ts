import { RecordBatchFileWriter, RecordBatchStreamWriter, type Schema } from 'apache-arrow';

/** Writes an Arrow IPC file and hands its bytes over, so that each batch is on the disk before the next is made. */
export class ArrowFileWriter extends RecordBatchFileWriter {
  #chunks: Uint8Array[] = [];

  constructor(schema: Schema) {
    super();
    this.reset(undefined, schema);
    // By the format a file wraps a stream, which begins with its schema; apache-arrow leaves that out.
    this._write(schemaMessage(schema));
  }

  protected override _write(chunk: Parameters<RecordBatchFileWriter['_write']>[0]): this {
    if (!this._started) return this;
    const bytes = bytesOf(chunk);
    this.#chunks.push(bytes);
    this._position += bytes.byteLength;
    return this;
  }

  take(): Uint8Array {
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return bytes;
  }
}

/** The message that an Arrow IPC stream of this schema begins with. */
export function schemaMessage(schema: Schema): Uint8Array {
  return new SchemaWriter(schema).take();
}

class SchemaWriter extends RecordBatchStreamWriter {
  #message = new Uint8Array();

  constructor(schema: Schema) {
    super();
    this.reset(undefined, schema);
  }

  protected override _write(chunk: Parameters<RecordBatchStreamWriter['_write']>[0]): this {
    this.#message = Buffer.concat([this.#message, bytesOf(chunk)]);
    return this;
  }

  take(): Uint8Array {
    return this.#message;
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new TypeError('apache-arrow wrote something that is no buffer');
}
