/** Letters that join nothing before or after them, in whatever normal form: Latin to Cyrillic, Hebrew, Arabic, kana … */
const letter =
  /[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0391-\u03a1\u03a3-\u03c9\u0400-\u0481\u048a-\u052f\u05d0-\u05ea\u0620-\u063f\u0641-\u064a\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]/;

/** The beginning of a text, of `least` characters or more: up to a space between two letters, or all of it. */
export function beginningOf(text: string, least: number): string {
  if (text.length <= least) return text;
  let at = text.indexOf(' ', Math.max(1, least));
  while (at !== -1 && !isBetweenLetters(text, at)) at = text.indexOf(' ', at + 1);
  return at === -1 ? text : text.slice(0, at);
}

/** The end of a text, of `least` characters or more: from a space between two letters on, or all of it. */
export function endOf(text: string, least: number): string {
  if (text.length <= least) return text;
  let at = text.lastIndexOf(' ', text.length - least);
  while (at > 0 && !isBetweenLetters(text, at)) at = text.lastIndexOf(' ', at - 1);
  return text.slice(Math.max(0, at));
}

function isBetweenLetters(text: string, at: number): boolean {
  return letter.test(text.charAt(at - 1)) && letter.test(text.charAt(at + 1));
}
