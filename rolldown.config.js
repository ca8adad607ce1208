import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'rolldown';

/**
 * One file where there were three hundred: Node reads and links each of its modules anew in every worker, which took
 * two thirds of a short run's start. Native packages stay outside, since they find their libraries by their own path.
 */
export default defineConfig({
  input: { 'cli/main': 'src/cli/main.ts', 'worker/main': 'src/worker/main.ts', 'worker/probe': 'src/worker/probe.ts' },
  platform: 'node',
  external: [/^node:/, 'onnxruntime-node', '@duckdb/node-bindings', 'lz4-napi', 'sharp', 'tokenizers'],
  transform: { target: 'node22.12' },
  // Two folders deep like the entries and the sources: what is beside the package is found by the same relative path.
  output: { dir: 'dist', cleanDir: true, chunkFileNames: 'shared/[name]-[hash].js' },
  plugins: [thirdPartyLicences()],
});

/** The licences of the packages whose code is in `dist` go with it, as they ask. */
function thirdPartyLicences() {
  return {
    name: 'third-party-licences',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
      const folders = new Set(modules.flatMap((id) => packageFolder(id) ?? []));
      const texts = [...folders].sort().map(licenceOf);
      this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY-LICENCES.txt', source: texts.join('\n') });
    },
  };
}

function packageFolder(id) {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id)?.[0];
}

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8');
  return `==== ${name} ${version} (${license}) ====\n\n${text}`;
}
