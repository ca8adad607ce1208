import { nearest } from '../core/suggest.ts';
import { misplacedTemplate } from './predicate-template.ts';
import { type Pieces, parseTemplate, type Template, type TemplatePlace } from './template.ts';

/** Environment variables by name. */
export type Env = Readonly<Record<string, string | undefined>>;

export type Interpolation =
  | {
      readonly state: 'done';
      /** Templates stand in it as they were written. */
      readonly text: string;
      /** The text with its templates; absent when there are none. */
      readonly pieces?: Pieces;
    }
  | Failure;

interface Failure {
  readonly state: 'failed';
  readonly text: string;
  readonly hint: string;
  /** The variable that is not set, where that is what failed. */
  readonly variable?: string;
}

const reference = /\$\$\{|\$\{([^}]*)(\}?)/g;
const variable = /^([A-Za-z_]\w*)(?::-(.*))?$/s;

const literally = 'write $${ for a literal ${';

/**
 * Fills `${VAR}` and `${VAR:-default}` (when unset or empty, as in a shell); `$${` is a literal `${`.
 * @param place undefined where templates are not filled later, so that they are an error
 */
export function interpolated(template: string, env: Env, place?: TemplatePlace): Interpolation {
  const pieces: (string | Template)[] = [];
  let end = 0;
  for (const match of template.matchAll(reference)) {
    const piece = pieceOf(match, env, place);
    if (typeof piece === 'object' && 'state' in piece) return piece;
    pieces.push(template.slice(end, match.index), piece);
    end = match.index + match[0].length;
  }
  pieces.push(template.slice(end));
  const text = pieces.map((piece) => (typeof piece === 'string' ? piece : piece.source)).join('');
  if (pieces.every((piece) => typeof piece === 'string')) return { state: 'done', text };
  const misplaced = place === 'condition' ? misplacedTemplate(pieces) : undefined;
  return misplaced === undefined ? { state: 'done', text, pieces } : { state: 'failed', ...misplaced };
}

function pieceOf(
  [whole, inner, end]: RegExpExecArray,
  env: Env,
  place: TemplatePlace | undefined,
): string | Template | Failure {
  if (inner === undefined) return '${';
  if (end === '') return unclosed(whole);
  if (inner.includes('${')) return nested(whole);
  const parsed = parseTemplate(inner, place ?? 'path');
  if (parsed === undefined) return valueFor(inner, env, place === undefined ? undefined : meantTemplate(inner));
  if (place === undefined) return notHere(whole);
  return parsed.state === 'failed' ? parsed : parsed.template;
}

/** The template that a name which is none of a variable was probably meant as. */
function meantTemplate(inner: string): string | undefined {
  const [, word = '', rest = ''] = /^([\w.]+)(.*)$/s.exec(inner) ?? [];
  const name = nearest(word, ['date', 'job', 'run.id']);
  return name === undefined || rest.startsWith(':-') ? undefined : `\${${name}${name === 'date' ? rest : ''}}`;
}

/** @param meant a template like it */
function valueFor(inner: string, env: Env, meant: string | undefined): string | Failure {
  const guess = meant === undefined ? '' : `did you mean ${meant}? Else `;
  const [, name, fallback] = variable.exec(inner) ?? [];
  if (name === undefined) {
    const hint = `${guess}write \${NAME} or \${NAME:-default}; ${literally}`;
    return { state: 'failed', text: `\${${inner}} does not name a variable`, hint };
  }
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value !== undefined && (value !== '' || fallback === undefined)) return value;
  if (fallback !== undefined) return fallback;
  const hint = `${guess}set ${name}, or give a default: \${${name}:-...}`;
  return { state: 'failed', text: `the environment variable ${name} is not set`, hint, variable: name };
}

function notHere(whole: string): Failure {
  const hint = `date, run.id and job are filled in input.path, input.where, output.path, model.path and a text's tokenizer; ${literally}`;
  return { state: 'failed', text: `${whole} is not filled here`, hint };
}

function nested(whole: string): Failure {
  const hint = `a default is a text as it stands, without \${; ${literally}`;
  return { state: 'failed', text: `${JSON.stringify(whole)} has a \${ within its braces`, hint };
}

function unclosed(whole: string): Failure {
  const shown = JSON.stringify(whole.length > 40 ? `${whole.slice(0, 40)}...` : whole);
  return { state: 'failed', text: `${shown} has no closing }`, hint: `close it; ${literally}` };
}
