import { z } from 'zod';
import { closedMap, field, oneOf, oneOrMore, text, wholeNumber } from './fields.ts';
import { imageSchema } from './image-schema.ts';
import { parseTextTemplate } from './text-template.ts';

const inputName = text('the name of a model input').optional();

const inputsSchema = closedMap({
  input_ids: field(inputName, 'The model input that takes token ids.', 'tokens'),
  attention_mask: field(inputName, 'The model input that tells tokens from padding.', 'mask'),
  token_type_ids: field(inputName, 'The model input that tells the texts of a pair apart.', 'segment_ids'),
});

const textKeys = ['maxLength', 'padding', 'truncation', 'template', 'inputs'] as const;

export const featureFields = closedMap(
  {
    columns: field(
      oneOrMore('a column', 'columns').optional(),
      'The columns that fill this model input, in the order that the model was trained with; of a text, one or a pair.',
      ['distance', 'dep_delay'],
    ),
    column: field(text('a column').optional(), 'The only one of columns.', 'description'),
    nulls: field(
      z
        .union([z.string(), z.number(), z.boolean()], { error: 'is not reject, nan, a number, a text, true or false' })
        .default('reject'),
      'What to do about nulls: reject the row, feed nan, or feed this value; of a text, reject or empty.',
      'nan',
    ),
    tokenizer: field(
      text('a path').optional(),
      'The tokenizer.json that turns texts into token ids, relative to this spec; it makes the feature a text. Takes templates, like a date.',
      'models/minilm/tokenizer.json',
    ),
    maxLength: field(
      wholeNumber(1, 1_000_000).optional(),
      'Tokens of a text at most, special ones among them; else what the model fixes, the tokenizer says, or 512.',
      256,
    ),
    padding: field(
      oneOf(['longest', 'maxLength']).optional(),
      'How far texts are padded: to the longest of their batch, or always to maxLength.',
      'longest',
    ),
    truncation: field(
      z.boolean({ error: 'is not true or false' }).optional(),
      'Whether longer texts are cut; if not, their rows are rejected.',
      true,
    ),
    template: field(
      text('a text').optional(),
      'The text that is tokenized, with columns in braces; {{ and }} are braces.',
      'query: {description}',
    ),
    inputs: field(inputsSchema.optional(), 'Names of model inputs that are not called as usual.', {
      input_ids: 'tokens',
    }),
    image: field(
      imageSchema.optional(),
      'The column of images that fill this model input, and how they become pixels.',
      { column: 'photo', resize: [224, 224] },
    ),
  },
  'is not a column, a list of columns or a map',
);

type Written = z.output<typeof featureFields>;

/** A model input that columns or the pixels of images fill, or, with a tokenizer, a text that becomes token ids. */
export const featureSchema = featureFields
  .superRefine((feature, context) => {
    for (const { key, message, hint } of mistakesIn(feature)) {
      context.addIssue({ code: 'custom', path: [key], message, params: hint === undefined ? {} : { hint } });
    }
  })
  .transform((feature) => {
    const { column, columns = column === undefined ? [] : [column], nulls, tokenizer, image } = feature;
    if (image !== undefined) return { nulls, image };
    if (tokenizer === undefined) return { columns, nulls };
    const { maxLength, template, inputs, padding = 'longest' as const, truncation = true } = feature;
    const parsed = template === undefined ? undefined : parseTextTemplate(template);
    return {
      columns: parsed !== undefined && 'columns' in parsed ? [...parsed.columns] : columns,
      nulls,
      tokenizer,
      padding,
      truncation,
      ...(maxLength === undefined ? {} : { maxLength }),
      ...(template === undefined ? {} : { template }),
      ...(inputs === undefined ? {} : { inputs }),
    };
  });

interface Mistake {
  readonly key: keyof Written;
  readonly message: string;
  readonly hint?: string;
}

function mistakesIn(feature: Written): readonly Mistake[] {
  const { column, columns, tokenizer, template, image } = feature;
  if (image !== undefined) return imageMistakes(feature);
  if (column !== undefined && columns !== undefined) {
    return [{ key: 'column', message: 'stands beside columns', hint: 'write one of the two' }];
  }
  if (tokenizer === undefined) {
    const key = textKeys.find((name) => feature[name] !== undefined);
    if (key !== undefined) {
      return [{ key, message: 'is for texts', hint: 'add `tokenizer: models/tokenizer.json`, or remove it' }];
    }
  }
  if (column === undefined && columns === undefined && template === undefined) return [{ key: 'columns', message: '' }];
  return tokenizer === undefined ? [] : textMistakes(feature);
}

function imageMistakes({ image: _image, nulls, ...rest }: Written): readonly Mistake[] {
  const hint = 'an image fills an input alone, and a null image is a reject';
  const keys = ['columns', 'column', 'tokenizer', ...textKeys] as const;
  const key = keys.find((name) => rest[name] !== undefined) ?? (nulls === 'reject' ? undefined : 'nulls');
  return key === undefined ? [] : [{ key, message: 'stands beside an image', hint }];
}

function textMistakes({ column, columns, template, nulls }: Written): readonly Mistake[] {
  const found: Mistake[] = [];
  const named = column === undefined ? (columns ?? []) : [column];
  const key = column === undefined ? 'columns' : 'column';
  if (nulls !== 'reject' && nulls !== 'empty') {
    found.push({
      key: 'nulls',
      message: `${JSON.stringify(nulls)} is not one of reject, empty`,
      hint: 'write for example `nulls: empty`',
    });
  }
  if (template === undefined) {
    if (named.length > 2)
      found.push({
        key,
        message: 'has more than a pair of texts',
        hint: 'make one text of them: template: "{a} {b} {c}"',
      });
    return found;
  }
  const parsed = parseTextTemplate(template);
  if ('problem' in parsed) {
    found.push({
      key: 'template',
      message: parsed.problem,
      hint: 'write for example `template: "query: {description}"`; {{ and }} are braces',
    });
    return found;
  }
  const unused = named.find((name) => !parsed.columns.includes(name));
  if (unused !== undefined) {
    found.push({
      key,
      message: `names ${unused}, which the template does not`,
      hint: `write {${unused}} in the template`,
    });
  }
  const left = parsed.columns.find((name) => !named.includes(name));
  if (unused === undefined && left !== undefined && named.length > 0) {
    found.push({
      key,
      message: `does not name ${left}, which the template does`,
      hint: `leave ${key} out: a template names its columns itself`,
    });
  }
  return found;
}
