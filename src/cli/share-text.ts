/** `99.5 %`; 0 % and 100 % are none and all, and never what is rounded to them. */
export function shareText(fraction: number, decimals: 0 | 1 = 1): string {
  const least = decimals === 0 ? 1 : 0.1;
  const percent = fraction * 100;
  if (fraction === 0) return '0 %';
  if (fraction === 1) return '100 %';
  return percent < least ? `< ${least} %` : `${Math.min(percent, 100 - least).toFixed(decimals)} %`;
}
