/** Environment variables by name. */
export type Env = Readonly<Record<string, string | undefined>>;

export type Interpolation =
  | { readonly state: 'done'; readonly text: string }
  | { readonly state: 'failed'; readonly text: string; readonly hint: string };

const reference = /\$\$\{|\$\{([^}]*)(\}?)/g;
const variable = /^([A-Za-z_]\w*)(?::-(.*))?$/s;
const reserved = /^(?:date(?:[:+-].*)?|run\.id|job)$/s;

const literally = 'write $${ for a literal ${';

/** Fills `${VAR}` and `${VAR:-default}` (when unset or empty, as in a shell); `$${` is a literal `${`. */
export function interpolated(template: string, env: Env): Interpolation {
  let failure: Interpolation | undefined;
  const text = template.replace(reference, (whole, inner: string | undefined, end: string) => {
    if (inner === undefined) return '${';
    const filled = end === '' ? unclosed(whole) : filledIn(inner, env);
    if (filled.state === 'failed') failure ??= filled;
    return filled.text;
  });
  return failure ?? { state: 'done', text };
}

function filledIn(inner: string, env: Env): Interpolation {
  if (reserved.test(inner)) {
    const hint = `date, run.id and job are names of templates, which come with schedules; ${literally}`;
    return { state: 'failed', text: `\${${inner}} is reserved`, hint };
  }
  const [, name, fallback] = variable.exec(inner) ?? [];
  if (name === undefined) {
    const hint = `write \${NAME} or \${NAME:-default}; ${literally}`;
    return { state: 'failed', text: `\${${inner}} does not name a variable`, hint };
  }
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value !== undefined && (value !== '' || fallback === undefined)) return { state: 'done', text: value };
  if (fallback !== undefined) return { state: 'done', text: fallback };
  const hint = `set ${name}, or give a default: \${${name}:-...}`;
  return { state: 'failed', text: `the environment variable ${name} is not set`, hint };
}

function unclosed(whole: string): Interpolation {
  const shown = JSON.stringify(whole.length > 40 ? `${whole.slice(0, 40)}...` : whole);
  return { state: 'failed', text: `${shown} has no closing }`, hint: `close it; ${literally}` };
}
