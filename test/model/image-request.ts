import type { ImageRequest } from '../../src/model/image-request.ts';

/** What a plan would say of an image column, with these changes. */
export function imageRequest(changes: Partial<ImageRequest> = {}): ImageRequest {
  const { height = 32, width = 32, colour = 'rgb', layout = 'nchw' } = changes;
  const channels = colour === 'grey' ? 1 : 3;
  return {
    input: 'pixels',
    raw: 'bytes',
    column: { name: 'photo' },
    element: 'float32',
    layout,
    innerShape: layout === 'nchw' ? [channels, height, width] : [height, width, channels],
    height,
    width,
    colour,
    fit: 'cover',
    isCropped: false,
    kernel: 'bilinear',
    scale: 1 / 255,
    mean: Array.from({ length: channels }, () => 0),
    std: Array.from({ length: channels }, () => 1),
    ...changes,
  };
}
