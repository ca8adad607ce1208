import { resolve } from 'node:path';
import type { TensorSignature } from '../model/contract.ts';
import type { ImageSpec } from '../spec/job-spec.ts';
import { inputMismatch, namedColumn, shown, unknownRank } from './input-mismatch.ts';
import type { PlanInput } from './plan-input.ts';
import type { PlanImage } from './run-plan.ts';

/** A model input that images fill, and what the job says about them. */
interface ImageMapping {
  readonly plan: PlanInput;
  readonly signature: TensorSignature;
  readonly image: ImageSpec;
}

interface Shape {
  readonly layout: 'nchw' | 'nhwc';
  readonly height: number;
  readonly width: number;
}

/**
 * How the pixels of a column's images fill a model input: shape, layout and dtype are those of the signature.
 * @throws AppError COLUMN_MISSING, MODEL_INPUT_MISMATCH with the place in the spec
 */
export function mapImage(mapping: ImageMapping): PlanImage {
  const { plan, signature, image } = mapping;
  const { colour, crop, fit, kernel, resize } = image;
  const channels = colour === 'grey' ? 1 : 3;
  const raw = rawColumn(mapping);
  const element = elementOf(mapping);
  const { layout, height, width } = shapeOf(mapping, channels);
  return {
    input: signature.name,
    ...raw,
    ...(raw.raw === 'bytes' ? {} : { root: resolve(plan.job.baseDir, image.root ?? '.') }),
    element,
    layout,
    innerShape: layout === 'nchw' ? [channels, height, width] : [height, width, channels],
    height,
    width,
    colour,
    ...(resize === undefined ? {} : { resize: typeof resize === 'number' ? resize : [...resize] }),
    fit,
    isCropped: crop === 'center',
    kernel,
    scale: image.scale ?? (element === 'uint8' ? 1 : 1 / 255),
    mean: perChannel(mapping, 'mean', channels) ?? Array.from({ length: channels }, () => 0),
    std: perChannel(mapping, 'std', channels) ?? Array.from({ length: channels }, () => 1),
  };
}

function rawColumn(mapping: ImageMapping): Pick<PlanImage, 'raw' | 'column'> {
  const { plan, image } = mapping;
  const found = namedColumn(plan, image.column, place(mapping, 'column'));
  const column = { name: found.name, type: found.type, nullFree: found.nullCount === 0 };
  if (found.type === 'BLOB') return { raw: 'bytes', column };
  if (found.type === 'VARCHAR' || found.type.startsWith('ENUM')) return { raw: 'text', column };
  throw inputMismatch(place(mapping, 'column'), {
    problem: `column ${found.name} is ${found.type}, which holds no images`,
    hint: 'images are a column of bytes (BLOB) or of paths (VARCHAR)',
  });
}

function elementOf(mapping: ImageMapping): PlanImage['element'] {
  const { signature, image } = mapping;
  const { type } = signature;
  if (type !== 'float32' && type !== 'float16' && type !== 'uint8') {
    throw inputMismatch(place(mapping, 'column'), {
      problem: `model input ${shown(signature)} is ${type}, which images cannot fill`,
      hint: 'images become float32, float16 or uint8',
    });
  }
  if (type !== 'uint8') return type;
  const scaled = image.scale !== undefined && image.scale !== 1 ? 'scale' : undefined;
  const changed = scaled ?? (image.mean === undefined ? (image.std === undefined ? undefined : 'std') : 'mean');
  if (changed === undefined) return type;
  throw inputMismatch(place(mapping, changed), {
    problem: `model input ${shown(signature)} takes pixels as they are, from 0 to 255`,
    hint: `remove ${changed}`,
  });
}

/** Where the channels are, and how high and wide the input is. */
function shapeOf(mapping: ImageMapping, channels: number): Shape {
  const { signature, image } = mapping;
  const isUnknown = signature.shape[0] === unknownRank;
  const dims = isUnknown ? ['', '', ''] : signature.shape.slice(1);
  const [first = '', second = '', third = ''] = dims;
  if (dims.length !== 3) {
    throw inputMismatch(place(mapping, 'column'), {
      problem: `model input ${shown(signature)} has ${signature.shape.length} dimensions, and images need four`,
      hint: 'images fill inputs such as [N, 3, 224, 224] or [N, 224, 224, 3]',
    });
  }
  const layout = layoutOf(mapping, first, third);
  const [channelDim, height, width] = layout === 'nchw' ? [first, second, third] : [third, first, second];
  if (typeof channelDim === 'number' && channelDim !== channels) {
    const isSpelled = image.layout !== 'auto' && isChannels(layout === 'nchw' ? third : first);
    throw inputMismatch(place(mapping, isSpelled ? 'layout' : 'colour'), {
      problem: `model input ${shown(signature)} has ${channelDim} channels as ${layout}, but ${image.colour} images have ${channels}`,
      hint: isSpelled
        ? `write \`layout: ${layout === 'nchw' ? 'nhwc' : 'nchw'}\``
        : channelDim === 1
          ? 'write `colour: grey`'
          : channelDim === 3
            ? 'write `colour: rgb`'
            : 'images have 1 channel (grey) or 3 (rgb, bgr)',
    });
  }
  return { layout, ...sizeOf(mapping, height, width) };
}

type Dim = number | string;

function isChannels(dim: Dim): boolean {
  return dim === 1 || dim === 3;
}

function layoutOf(mapping: ImageMapping, first: Dim, last: Dim): Shape['layout'] {
  const { signature, image } = mapping;
  if (image.layout !== 'auto') return image.layout;
  if (isChannels(first) !== isChannels(last)) return isChannels(first) ? 'nchw' : 'nhwc';
  throw inputMismatch(place(mapping, 'layout'), {
    problem: `the shape of model input ${shown(signature)} does not tell where its channels are`,
    hint: 'write `layout: nchw` or `layout: nhwc`',
  });
}

/** What the model fixes, or else what `resize` says. */
function sizeOf(mapping: ImageMapping, height: Dim, width: Dim): { readonly height: number; readonly width: number } {
  const { signature, image } = mapping;
  const { resize, crop } = image;
  const given = resize === undefined || typeof resize === 'number' ? [] : resize;
  const fixed = [height, width];
  const sides = fixed.map((dim, index) => (typeof dim === 'number' ? dim : given[index]));
  const [high, wide] = sides;
  const wanted = sides.map((dim) => dim ?? '?').join(' × ');
  if (high === undefined || wide === undefined) {
    throw inputMismatch(place(mapping, 'resize'), {
      problem: `model input ${shown(signature)} leaves height or width open, so resize has to say both`,
      hint: 'write for example `resize: [224, 224]`',
    });
  }
  const isLess = crop === 'center' && given.every((side, index) => side >= (sides[index] ?? 0));
  const agrees = given.every((side, index) => side === sides[index]);
  if (given.length > 0 && !agrees && !isLess) {
    throw inputMismatch(place(mapping, 'resize'), {
      problem: `model input ${shown(signature)} is ${wanted}, but resize makes images ${given.join(' × ')}`,
      hint: `write \`resize: [${high}, ${wide}]\``,
    });
  }
  if (typeof resize === 'number' && (crop === 'none' || resize < Math.min(high, wide))) {
    throw inputMismatch(place(mapping, 'resize'), {
      problem: `a shorter side of ${resize} alone does not make images ${wanted}`,
      hint: `write \`resize: [${high}, ${wide}]\`, or add \`crop: center\` to a side of at least ${Math.min(high, wide)}`,
    });
  }
  return { height: high, width: wide };
}

function perChannel(mapping: ImageMapping, key: 'mean' | 'std', channels: number): number[] | undefined {
  const values = mapping.image[key];
  if (values === undefined || values.length === channels) return values === undefined ? undefined : [...values];
  if (values.length === 1) return Array.from({ length: channels }, () => values[0] ?? 0);
  throw inputMismatch(place(mapping, key), {
    problem: `${key} has ${values.length} numbers, but ${mapping.image.colour} images have ${channels} channels`,
    hint: 'give one number for each channel, or one for all',
  });
}

function place({ plan, signature }: ImageMapping, key: string): string {
  return plan.locate(['features', signature.name, 'image', key]);
}
