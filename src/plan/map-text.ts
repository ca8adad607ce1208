import { castability, familyOf } from '../dataset/column-type.ts';
import type { ColumnSchema } from '../dataset/contract.ts';
import type { TensorSignature, TokenInput, TokenizerFile } from '../model/contract.ts';
import type { TextFeatureSpec } from '../spec/job-spec.ts';
import { parseTextTemplate } from '../spec/text-template.ts';
import { inputMismatch, namedColumn, suggestion, unknownRank } from './input-mismatch.ts';
import type { PlanInput } from './plan-input.ts';
import type { PlanFeature, TextPlan } from './run-plan.ts';

/** Tokens of a text at most, where neither job nor model nor tokenizer says. */
const usualLength = 512;

/** One text of a job, and what it may fill. */
interface TextMapping {
  readonly plan: PlanInput;
  readonly name: string;
  readonly given: TextFeatureSpec;
  readonly tokenizer: TokenizerFile;
  readonly signatures: readonly TensorSignature[];
}

/**
 * The texts of a job: which columns they are made of, and which model inputs their tokens fill.
 * @throws AppError COLUMN_MISSING, MODEL_INPUT_MISMATCH with the place in the spec
 */
export function mapTexts(plan: PlanInput, signatures: readonly TensorSignature[]): readonly PlanFeature[] {
  const texts = Object.entries(plan.job.features ?? {}).flatMap(([name, given]) => {
    const tokenizer = plan.tokenizers?.get(name);
    return 'tokenizer' in given && tokenizer !== undefined ? [{ plan, name, given, tokenizer, signatures }] : [];
  });
  const features = texts.map(mapText);
  const filled = new Map<string, string>();
  for (const { input, text } of features) {
    for (const name of text === undefined ? [] : filledInputs(text)) {
      const other = filled.get(name);
      filled.set(name, input);
      if (other === undefined) continue;
      throw inputMismatch(plan.locate(['features', input]), {
        problem: `model input ${name} is filled by ${other} already`,
        hint: 'name the inputs of each text: inputs: { input_ids: … }',
      });
    }
  }
  const bare = features.find(({ text }) => text?.mask === undefined && text?.fixedLength === undefined);
  if (bare === undefined || features.length === 1) return features;
  throw inputMismatch(plan.locate(['features', bare.input]), {
    problem: `the model has no mask for ${bare.input}, so that its rows cannot be padded beside another text`,
    hint: 'export the model with an attention mask, or set padding: maxLength',
  });
}

/** The model inputs that a text fills. */
export function filledInputs({ ids, mask, types }: TextPlan): readonly string[] {
  return [ids, mask, types].flatMap((input) => (input === undefined ? [] : input.name));
}

function mapText(mapping: TextMapping): PlanFeature {
  const { name, given, plan } = mapping;
  const columns = given.columns.map((column, index) => {
    const at = given.template === undefined ? ['columns', index] : ['template'];
    const found = namedColumn(plan, column, plan.locate(['features', name, ...at]));
    checkText(mapping, found, at);
    return found;
  });
  return {
    input: name,
    columns: columns.map((column) => ({
      name: column.name,
      type: column.type,
      nullFree: column.nullCount === 0,
      fits: false,
    })),
    element: 'string',
    innerShape: [columns.length],
    nulls: given.nulls === 'empty' ? { value: '' } : 'reject',
    text: encodingOf(mapping),
  };
}

function checkText({ plan, name, given }: TextMapping, column: ColumnSchema, at: readonly (string | number)[]): void {
  const isText = familyOf(column.type) === 'text';
  if (isText || (given.template !== undefined && castability(column.type, 'string') !== 'never')) return;
  throw inputMismatch(plan.locate(['features', name, ...at]), {
    problem: `column ${column.name} is ${column.type}, which is no text`,
    hint:
      given.template === undefined && castability(column.type, 'string') !== 'never'
        ? `choose another column, or write it into a text: template: "{${column.name}}"`
        : 'choose another column',
  });
}

function encodingOf(mapping: TextMapping): TextPlan {
  const { plan, given, tokenizer, name } = mapping;
  const ids = tokenInput(mapping, 'input_ids');
  if (ids === undefined) {
    const names = mapping.signatures.map((signature) => signature.name);
    const likely = mapping.signatures.find((signature) => tokenElement(signature) !== undefined);
    throw inputMismatch(plan.locate(['features', name]), {
      problem: `the model has no input input_ids for the tokens; it has ${names.join(', ')}`,
      hint:
        likely === undefined
          ? 'none of them takes tokens, int64 or int32 [batch, sequence]: is it the model for this text?'
          : `name it: inputs: { input_ids: ${likely.name} }`,
    });
  }
  const inputs = [ids, tokenInput(mapping, 'attention_mask'), tokenInput(mapping, 'token_type_ids')] as const;
  const fixed = fixedLength(mapping, inputs);
  const maxLength = given.maxLength ?? fixed ?? tokenizer.maxLength ?? usualLength;
  checkLength(mapping, maxLength, fixed);
  const { path, sha256, kind, vocabularySize, library, maxLength: ownLength } = tokenizer;
  return {
    tokenizer: { path, sha256, kind, vocabularySize, library, maxLength: ownLength },
    maxLength,
    fixedLength: fixed ?? (given.padding === 'maxLength' ? maxLength : undefined),
    truncation: given.truncation,
    template: templateOf(given),
    ids: inputs[0],
    mask: inputs[1],
    types: inputs[2],
  };
}

type TokenSignature = TokenInput & { readonly length?: number };

function tokenInput(mapping: TextMapping, usual: keyof NonNullable<TextFeatureSpec['inputs']>): TokenInput | undefined {
  const { plan, given, name, signatures } = mapping;
  const wanted = given.inputs?.[usual];
  const signature = signatures.find((candidate) => candidate.name === (wanted ?? usual));
  const location = plan.locate(['features', name, ...(wanted === undefined ? [] : ['inputs', usual])]);
  if (signature === undefined) {
    if (wanted === undefined) return undefined;
    const names = signatures.map((candidate) => candidate.name);
    throw inputMismatch(location, { problem: `the model has no input ${wanted}`, hint: suggestion(wanted, names) });
  }
  const { type, shape } = signature;
  const element = tokenElement(signature);
  if (element !== undefined) return { name: signature.name, element };
  throw inputMismatch(location, {
    problem: `model input ${signature.name} is ${type}[${shape.join(', ')}], and tokens are int64 or int32 [batch, sequence]`,
    hint: 'name the inputs that take tokens: inputs: { input_ids: … }',
  });
}

/** Of what a model input takes as tokens; undefined where it takes something else. */
function tokenElement({ type, shape }: TensorSignature): TokenInput['element'] | undefined {
  const isTable = shape.length === 2 || shape[0] === unknownRank;
  return (type === 'int64' || type === 'int32') && isTable ? type : undefined;
}

/** Tokens of a row that the model fixes. */
function fixedLength(
  { plan, name, signatures }: TextMapping,
  inputs: readonly (TokenSignature | undefined)[],
): number | undefined {
  const lengths = inputs.flatMap((input) => {
    const length = signatures.find((signature) => signature.name === input?.name)?.shape[1];
    return typeof length === 'number' ? length : [];
  });
  const [first] = lengths;
  const other = lengths.find((length) => length !== first);
  if (other === undefined) return first;
  throw inputMismatch(plan.locate(['features', name]), {
    problem: `model inputs fix different sequence lengths, ${first} and ${other}`,
    hint: 'export the model with a free sequence dimension',
  });
}

function checkLength(
  { plan, name, given, tokenizer }: TextMapping,
  maxLength: number,
  fixed: number | undefined,
): void {
  const location = plan.locate(['features', name, given.maxLength === undefined ? 'tokenizer' : 'maxLength']);
  if (fixed !== undefined && maxLength > fixed) {
    throw inputMismatch(location, {
      problem: `${maxLength} tokens are more than the ${fixed} that the model fixes`,
      hint: `write maxLength: ${fixed}, or leave it out`,
    });
  }
  const { single, pair } = tokenizer.specialTokens;
  const specials = given.template === undefined && given.columns.length === 2 ? pair : single;
  if (maxLength > specials) return;
  throw inputMismatch(location, {
    problem: `a length of ${maxLength} leaves no room for the text beside ${specials} special tokens`,
    hint: `write a maxLength of ${specials + 1} or more`,
  });
}

/** Words, and columns by their place in the feature. */
function templateOf({ template, columns }: TextFeatureSpec): TextPlan['template'] {
  const parsed = template === undefined ? undefined : parseTextTemplate(template);
  if (parsed === undefined || 'problem' in parsed) return undefined;
  return parsed.pieces.map((piece) => (typeof piece === 'string' ? piece : columns.indexOf(piece.column)));
}
