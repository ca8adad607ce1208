import { z } from 'zod';
import { closedMap, field, oneOf, text, wholeNumber } from './fields.ts';

const sideAtMost = 16_384;
const side = () => wholeNumber(1, sideAtMost);
const sizeError = `is not a whole number from 1 to ${sideAtMost} or a list of two, height and width`;
const channelsError = 'is not a list of numbers, one a channel';

function perChannel(error = channelsError) {
  return z
    .array(z.number({ error: 'is not a number' }), { error })
    .min(1, { error })
    .max(3, { error })
    .optional();
}

/** What is done to an image, beside the column that it is in. */
const imageFields = {
  root: field(
    text('a folder').optional(),
    'The folder that relative paths of the column start at, relative to this spec; its own folder if left out.',
    'photos',
  ),
  resize: field(
    z
      .union([side(), z.array(side(), { error: sizeError }).length(2, { error: sizeError })], { error: sizeError })
      .optional(),
    'Height and width that images are made, or the length of their shorter side; as they are if left out.',
    [224, 224],
  ),
  fit: field(
    oneOf(['cover', 'contain', 'fill']).default('cover'),
    'How an image of another shape becomes [height, width]: its middle is cut out, black is put around it, or it is stretched.',
    'cover',
  ),
  crop: field(
    oneOf(['none', 'center']).default('none'),
    'Whether the middle is cut out of what resize leaves, as large as the model input.',
    'center',
  ),
  kernel: field(
    oneOf(['bilinear', 'bicubic', 'lanczos']).default('bilinear'),
    'The filter of resize, as Pillow and torchvision name it; smoothed when images shrink.',
    'bicubic',
  ),
  colour: field(oneOf(['rgb', 'bgr', 'grey']).default('rgb'), 'The channels that the model was trained with.', 'rgb'),
  layout: field(
    oneOf(['auto', 'nchw', 'nhwc']).default('auto'),
    'Whether the model input has its channels before or after height and width; auto takes it from the shape.',
    'nchw',
  ),
  scale: field(
    z.number({ error: 'is not a number' }).optional(),
    'What pixels from 0 to 255 are multiplied by: 1/255 if left out, 1 for uint8.',
    1,
  ),
  mean: field(
    perChannel(),
    'Subtracted after scale, a number for each channel that the model gets, in its order.',
    [0.485, 0.456, 0.406],
  ),
  std: field(
    perChannel().refine((values) => values?.includes(0) !== true, { error: 'has a zero, which divides nothing' }),
    'Divided by after mean, a number for each channel that the model gets, in its order.',
    [0.229, 0.224, 0.225],
  ),
};

const column = field(text('a column'), 'The column that holds images, as bytes or as paths.', 'photo');

/** `image: { column, … }`: a model input that is filled with the pixels of images. */
export const imageSchema = closedMap({ column, ...imageFields }, 'is not a column or a map');

/** The same with its settings beside the column: `{ image: photo, resize: … }`. */
export const flatImageSchema = closedMap({ image: column, ...imageFields });
