import { type Env, interpolated } from './interpolate.ts';
import { formatPath, type PlaceInText, type SpecLocation, type SpecPath } from './location.ts';
import { mapTexts, valueAt } from './plain-data.ts';
import type { SpecProblem } from './problems.ts';
import { withoutShortForms } from './short-forms.ts';
import type { Pieces, TemplatePlace } from './template.ts';

/** One of the sources of a job's settings: the defaults, the job itself, or one `--set`. */
export interface Layer {
  /** Job-shaped data, short forms written out, variables filled. */
  readonly data: unknown;
  /** Where the layer is in the spec; paths into it follow. */
  readonly prefix: SpecPath;
  /** The path that a `--set` names is this long; it owns nothing above. */
  readonly depth: number;
  readonly locate: (path: SpecPath, within?: PlaceInText) => SpecLocation;
  /** Templates of the values that variables were filled into, by formatted path. */
  readonly templates: ReadonlyMap<string, string>;
  /** Texts with templates that are filled for each run, by formatted path. */
  readonly pieces: ReadonlyMap<string, Pieces>;
  readonly problems: readonly SpecProblem[];
}

export interface LayerSource {
  readonly written: unknown;
  readonly prefix: SpecPath;
  readonly depth: number;
  readonly locate: (path: SpecPath, within?: PlaceInText) => SpecLocation;
}

export function layerOf({ written, ...place }: LayerSource, env: Env): Layer {
  const templates = new Map<string, string>();
  const pieces = new Map<string, Pieces>();
  const problems: SpecProblem[] = [];
  const data = mapTexts(withoutShortForms(written), (template, path) => {
    const result = interpolated(template, env, templatePlace(path));
    if (result.state === 'failed') {
      const { text, hint, variable } = result;
      problems.push({ location: place.locate(path), path: [...place.prefix, ...path], text, hint, variable });
      templates.set(formatPath(path), template);
      return template;
    }
    if (result.text !== template) templates.set(formatPath(path), template);
    if (result.pieces !== undefined) pieces.set(formatPath(path), result.pieces);
    return result.text;
  });
  return { ...place, data, templates, pieces, problems };
}

function templatePlace(path: SpecPath): TemplatePlace | undefined {
  const [section, , key] = path;
  if (section === 'features' && key === 'tokenizer' && path.length === 3) return 'path';
  switch (formatPath(path).replace(/\[\d+\]$/, '')) {
    case 'model.path':
    case 'input.path':
    case 'output.path':
      return 'path';
    case 'input.where':
      return 'condition';
    default:
      return undefined;
  }
}

export interface Owner {
  readonly layer: Layer;
  /** The part of the path that is there. */
  readonly path: SpecPath;
}

/**
 * The layer that a value of the merged job comes from; for a value that is nowhere, that of its nearest parent.
 * @param layers weakest first: the defaults, the job, then each `--set`.
 */
export function ownerOf(layers: readonly [Layer, Layer, ...Layer[]], path: SpecPath): Owner {
  for (let length = path.length; length > 0; length--) {
    const prefix = path.slice(0, length);
    const having = layers.filter((layer) => valueAt(layer.data, prefix) !== undefined);
    const layer = having.findLast((candidate) => candidate.depth <= length) ?? having.at(-1);
    if (layer !== undefined) return { layer, path: prefix };
  }
  return { layer: layers[1], path: [] };
}
