import type { PlanImage } from '../plan/run-plan.ts';

/** What becomes of an image's pixels, in the words of the spec: `resize 256 (shorter side, bilinear), crop center 224 × 224; scale 1/255`. */
export function pixelsText(image: PlanImage): string {
  const size = [resizeText(image), image.isCropped ? `crop center ${image.height} × ${image.width}` : undefined];
  const { scale, mean, std } = image;
  const values = [
    `scale ${scale === 1 / 255 ? '1/255' : scale}`,
    mean.some((each) => each !== 0) ? `mean ${mean.join(', ')}` : undefined,
    std.some((each) => each !== 1) ? `std ${std.join(', ')}` : undefined,
  ];
  return [size, values].map((parts) => parts.filter((part) => part !== undefined).join(', ')).join('; ');
}

function resizeText({ resize, fit, kernel, height, width, isCropped }: PlanImage): string {
  if (resize === undefined) return isCropped ? 'resize none' : `resize none, they must be ${height} × ${width}`;
  if (typeof resize === 'number') return `resize ${resize} (shorter side, ${kernel})`;
  return `resize ${resize.join(' × ')} (${fit}, ${kernel})`;
}
