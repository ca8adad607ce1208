import { z } from 'zod';

const severity = z.enum(['error', 'warn']);
const column = z.string();
const columns = z.array(z.string()).readonly();
const bound = z.number().optional();

/** One check of a run's predictions, resolved; a plan keeps it in this form. */
export const checkSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('notNull'), columns, severity }).readonly(),
  z.strictObject({ type: z.literal('min'), column, value: z.number(), severity }).readonly(),
  z.strictObject({ type: z.literal('max'), column, value: z.number(), severity }).readonly(),
  z
    .strictObject({
      type: z.literal('accepted'),
      column,
      values: z.array(z.union([z.string(), z.number(), z.boolean()])).readonly(),
      severity,
    })
    .readonly(),
  z.strictObject({ type: z.literal('unique'), columns, severity }).readonly(),
  z
    .strictObject({
      type: z.literal('rowCount'),
      equals: z.union([z.literal('input'), z.number()]).optional(),
      min: bound,
      max: bound,
      severity,
    })
    .readonly(),
  z.strictObject({ type: z.literal('mean'), column, min: bound, max: bound, severity }).readonly(),
  z.strictObject({ type: z.literal('nullFraction'), column, max: z.number(), severity }).readonly(),
  z.strictObject({ type: z.literal('distinct'), column, min: bound, max: bound, severity }).readonly(),
  z.strictObject({ type: z.literal('psi'), column, max: z.number(), severity }).readonly(),
]);
export type Check = z.infer<typeof checkSchema>;
