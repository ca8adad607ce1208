import { describe, expect, it } from 'vitest';
import type { ValueSignature } from '../../src/model/contract.ts';
import { changedFields } from '../../src/plan/fingerprint.ts';
import { planRun } from '../../src/plan/plan-run.ts';
import { runPlanSchema } from '../../src/plan/run-plan.ts';
import { planInput, tensor } from './plan-input.ts';

type Dims = Extract<ValueSignature, { kind: 'tensor' }>['shape'];
type Element = Extract<ValueSignature, { kind: 'tensor' }>['type'];
type Image = Readonly<Record<string, unknown>>;

function inputOf(
  shape: Dims,
  image: Image,
  { type = 'float32', column = 'BLOB' }: { type?: Element; column?: string } = {},
) {
  return planInput({
    job: { features: { pixels: { image: { column: 'photo', ...image } } } },
    columns: { photo: column, id: 'BIGINT' },
    inputs: [tensor('pixels', type, shape)],
  });
}

const imageOf = (...given: Parameters<typeof inputOf>) => planRun(inputOf(...given)).images?.[0];

describe('an image as a model input', () => {
  it.each<[Dims, Image, object]>([
    [['N', 3, 8, 6], {}, { layout: 'nchw', innerShape: [3, 8, 6], height: 8, width: 6 }],
    [['N', 8, 6, 3], {}, { layout: 'nhwc', innerShape: [8, 6, 3], height: 8, width: 6 }],
    [['N', 1, 8, 6], { colour: 'grey' }, { layout: 'nchw', innerShape: [1, 8, 6] }],
    [['N', 3, 'h', 'w'], { resize: [8, 6] }, { innerShape: [3, 8, 6] }],
    [['N', 3, 8, 'w'], { resize: [8, 6] }, { innerShape: [3, 8, 6] }],
    [['N', 'c', 'h', 'w'], { layout: 'nhwc', resize: [8, 6] }, { innerShape: [8, 6, 3] }],
    [['...'], { layout: 'nchw', resize: [8, 6] }, { innerShape: [3, 8, 6] }],
    [['N', 3, 3, 3], { layout: 'nhwc' }, { layout: 'nhwc', innerShape: [3, 3, 3] }],
    [['N', 3, 8, 6], { resize: [10, 6], crop: 'center' }, { innerShape: [3, 8, 6], resize: [10, 6], isCropped: true }],
    [['N', 3, 8, 6], { resize: 9, crop: 'center' }, { innerShape: [3, 8, 6], resize: 9 }],
  ])('of shape %j takes %j', (shape, image, expected) => {
    expect(imageOf(shape, image)).toMatchObject(expected);
  });

  it('scales to 0…1 but for uint8, and spreads one mean over all channels', () => {
    expect(imageOf(['N', 3, 8, 6], { mean: [0.5], std: [1, 2, 3] })).toMatchObject({
      scale: 1 / 255,
      mean: [0.5, 0.5, 0.5],
      std: [1, 2, 3],
    });
    expect(imageOf(['N', 3, 8, 6], {}, { type: 'uint8' })).toMatchObject({
      scale: 1,
      mean: [0, 0, 0],
      element: 'uint8',
    });
  });

  it('reads bytes of a BLOB, and of a text the file that it names, from the folder of the spec on', () => {
    expect(imageOf(['N', 3, 8, 6], {})).toMatchObject({ raw: 'bytes' });
    const { job } = inputOf(['N', 3, 8, 6], {});
    expect(imageOf(['N', 3, 8, 6], { root: 'photos' }, { column: 'VARCHAR' })).toMatchObject({
      raw: 'text',
      root: `${job.baseDir}/photos`,
    });
  });

  it('stands in a plan that can be read back, beside other features', () => {
    const plan = planRun(
      planInput({
        job: { features: { pixels: { image: 'photo' } } },
        columns: { photo: 'BLOB', id: 'FLOAT' },
        inputs: [tensor('id', 'float32', ['N', 1]), tensor('pixels', 'float32', ['N', 3, 8, 6])],
      }),
    );
    expect(plan.features.map(({ input }) => input)).toEqual(['id']);
    expect(runPlanSchema.parse(JSON.parse(JSON.stringify(plan)))).toEqual(JSON.parse(JSON.stringify(plan)));
  });

  it.each<[Dims, Image, { type?: Element; column?: string }, string, string]>([
    [['N', 8, 6, 3], { layout: 'nchw' }, {}, 'layout', 'has 8 channels as nchw, but rgb images have 3'],
    [['N', 1, 8, 6], {}, {}, 'colour', 'has 1 channels as nchw, but rgb images have 3'],
    [['N', 4, 8, 6], { layout: 'nchw' }, {}, 'colour', 'has 4 channels as nchw, but rgb images have 3'],
    [['N', 'c', 'h', 'w'], {}, {}, 'layout', 'does not tell where its channels are'],
    [['N', 3, 8, 3], {}, {}, 'layout', 'does not tell where its channels are'],
    [['N', 3, 8, 6], { resize: [6, 8] }, {}, 'resize', 'is 8 × 6, but resize makes images 6 × 8'],
    [['N', 3, 8, 6], { resize: [8, 5], crop: 'center' }, {}, 'resize', 'is 8 × 6, but resize makes images 8 × 5'],
    [['N', 3, 8, 6], { resize: 8 }, {}, 'resize', 'a shorter side of 8 alone does not make images 8 × 6'],
    [['N', 3, 8, 8], { resize: 7, crop: 'center' }, {}, 'resize', 'a shorter side of 7 alone does not make'],
    [['N', 3, 'h', 'w'], {}, {}, 'resize', 'leaves height or width open'],
    [['N', 3, 'h', 'w'], { resize: 8, crop: 'center' }, {}, 'resize', 'leaves height or width open'],
    [['N', 2], {}, {}, 'column', 'has 2 dimensions, and images need four'],
    [['N', 3, 8, 6], {}, { type: 'int64' }, 'column', 'is int64, which images cannot fill'],
    [['N', 3, 8, 6], { std: [1] }, { type: 'uint8' }, 'std', 'takes pixels as they are, from 0 to 255'],
    [['N', 3, 8, 6], { scale: 2 }, { type: 'uint8' }, 'scale', 'takes pixels as they are'],
    [['N', 3, 8, 6], { mean: [1, 2] }, {}, 'mean', 'mean has 2 numbers, but rgb images have 3 channels'],
    [['N', 3, 8, 6], {}, { column: 'BIGINT' }, 'column', 'column photo is BIGINT, which holds no images'],
  ])('of shape %j does not take %j (%j), and says where: %s', (shape, image, more, key, message) => {
    expect(() => imageOf(shape, image, more)).toThrow(
      expect.objectContaining({
        code: 'MODEL_INPUT_MISMATCH',
        message: expect.stringMatching(new RegExp(`^features\\.pixels\\.image\\.${key}: .*${message}`)),
      }),
    );
  });

  it('names a column that is nearly there', () => {
    expect(() => imageOf(['N', 3, 8, 6], { column: 'photos' })).toThrow(
      expect.objectContaining({ code: 'COLUMN_MISSING', hint: 'did you mean photo?' }),
    );
  });

  it('is another run with another option or another decoder', () => {
    const identity = (image: Image, imageDecoder?: string) =>
      planRun({ ...inputOf(['N', 3, 8, 6], image), imageDecoder }).identity;
    expect(changedFields(identity({}), identity({ kernel: 'bicubic' }))).toEqual(['features']);
    expect(changedFields(identity({}, 'libvips 1'), identity({}, 'libvips 2'))).toEqual(['image decoder']);
    expect(identity({})).not.toHaveProperty('image decoder');
  });
});
