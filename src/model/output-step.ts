/** What is done to the inner dimensions of an output, one row at a time; reductions work on the last dimension. */
export type OutputStep =
  | { readonly type: 'index'; readonly index: number }
  | PlainStep
  | { readonly type: 'round'; readonly digits: number }
  | { readonly type: 'threshold'; readonly least: number }
  | { readonly type: 'topk'; readonly count: number }
  | { readonly type: 'topkValues'; readonly count: number }
  /** `file` has the texts of indices. */
  | { readonly type: 'label'; readonly file: string }
  /** `mask` is the input of the model that says which positions count. */
  | { readonly type: 'meanPool'; readonly mask: string };

/** Functions of one value and nothing else. */
export const plainFunctions = ['argmax', 'max', 'softmax', 'sigmoid', 'normalize', 'cls'] as const;
type PlainFunction = (typeof plainFunctions)[number];
/** A step for each, so that types can tell them apart. */
type PlainStep = { readonly [Name in PlainFunction]: { readonly type: Name } }[PlainFunction];

/** The mask of a meanPool that names none. */
export const usualMask = 'attention_mask';

/** `softmax(scores)[1]` is the output `scores` with the steps softmax, then index 1. */
export interface OutputExpression {
  readonly source: string;
  readonly steps: readonly OutputStep[];
}

/** The expression as text that parses to it again. */
export function outputExpressionText({ source, steps }: OutputExpression): string {
  return steps.reduce((text, step) => {
    if (step.type === 'index') return `${text}[${step.index}]`;
    const argument = argumentText(step);
    return `${step.type}(${argument === undefined ? text : `${text}, ${argument}`})`;
  }, nameText(source));
}

function argumentText(step: Exclude<OutputStep, { readonly type: 'index' }>): string | undefined {
  switch (step.type) {
    case 'round':
      return step.digits === 0 ? undefined : String(step.digits);
    case 'threshold':
      return String(step.least);
    case 'topk':
    case 'topkValues':
      return String(step.count);
    case 'label':
      return nameText(step.file);
    case 'meanPool':
      return step.mask === usualMask ? undefined : nameText(step.mask);
    default:
      return undefined;
  }
}

/** A name as expressions have it: in double quotes where it has spaces, brackets, quotes or commas. */
export function nameText(name: string): string {
  return /^[^\s()[\]",]+$/.test(name) ? name : `"${name.replaceAll(/["\\]/g, '\\$&')}"`;
}
