import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { parseJson } from '../core/parse-json.ts';

export interface OperatorTime {
  /** `MatMul`; a fused node goes by its own name, `FusedMatMul`. */
  readonly operator: string;
  readonly provider: string;
  readonly calls: number;
  readonly seconds: number;
}

const nodeEventSchema = z.object({
  cat: z.literal('Node'),
  name: z.string(),
  dur: z.number(),
  args: z.object({ op_name: z.string(), provider: z.string().default('') }),
});

/** The lines of a profile that ONNX Runtime wrote: one event each, in a JSON array. */
export async function* profileLines(path: string): AsyncGenerator<string> {
  const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    const event = line
      .trim()
      .replace(/^\[/, '')
      .replace(/[,\]]+$/, '')
      .trim();
    if (event.startsWith('{') && event.endsWith('}')) yield event;
  }
}

/** Adds up which operators took how long. */
export class OperatorTimes {
  readonly #times = new Map<string, { operator: string; provider: string; calls: number; micros: number }>();

  add(line: string): void {
    // Most lines of a deep model are of nodes; the others are not worth parsing.
    if (!line.includes('_kernel_time')) return;
    const { data } = nodeEventSchema.safeParse(parseJson(line));
    if (data === undefined) return;
    const { op_name: operator, provider: longProvider } = data.args;
    const provider = longProvider.replace(/ExecutionProvider$/, '').toLowerCase();
    const key = `${provider} ${operator}`;
    const time = this.#times.get(key) ?? { operator, provider, calls: 0, micros: 0 };
    time.calls++;
    time.micros += data.dur;
    this.#times.set(key, time);
  }

  /** The longest first. */
  sorted(): readonly OperatorTime[] {
    return [...this.#times.values()]
      .sort((a, b) => b.micros - a.micros)
      .map(({ operator, provider, calls, micros }) => ({ operator, provider, calls, seconds: micros / 1e6 }));
  }
}
