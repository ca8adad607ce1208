import type { RejectCode } from '../dataset/contract.ts';

/** Why one image cannot be used: its row is rejected, and the run goes on. */
export class ImageError extends Error {
  readonly code: Extract<RejectCode, 'IMAGE_UNREADABLE' | 'IMAGE_SIZE'>;

  constructor(code: ImageError['code'], message: string) {
    super(message);
    this.name = 'ImageError';
    this.code = code;
  }
}
