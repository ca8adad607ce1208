import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

interface Fence {
  /** Rooms (`core/`) and single files (`dataset/contract.ts`) under src that this one may import. */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

/** What biome.json has to enforce, said a second time: the table of rooms in src/README.md. */
const fences: Readonly<Record<string, Fence>> = {
  'core/any.ts': { imports: [], packages: ['node:', 'node:sqlite', 'fastest-levenshtein', 'luxon'] },
  'spec/any.ts': { imports: ['core/'], packages: ['node:', 'yaml', 'zod'] },
  'dataset/any.ts': {
    imports: ['core/'],
    packages: ['node:', '@duckdb/node-api', '@duckdb/node-bindings', 'apache-arrow', 'lz4-napi', 'tinyglobby'],
  },
  'model/any.ts': {
    imports: ['core/', 'dataset/contract.ts', 'dataset/element-array.ts'],
    packages: [
      ...['node:', 'onnxruntime-node', '@bufbuild/protobuf', '@bufbuild/protobuf/wire', 'sharp', 'tokenizers'],
      'zod',
    ],
  },
  'plan/any.ts': {
    imports: [
      ...['core/', 'spec/', 'dataset/contract.ts', 'dataset/column-type.ts', 'model/contract.ts'],
      'model/output-expression.ts',
      'model/output-step.ts',
    ],
    packages: ['node:crypto', 'node:path', 'zod'],
  },
  'worker/any.ts': { imports: ['core/', 'plan/', 'dataset/', 'model/'], packages: ['node:', 'zod'] },
  'executor/any.ts': { imports: ['core/', 'plan/', 'worker/protocol.ts'], packages: ['node:', 'execa'] },
  'checkpoint/any.ts': { imports: ['core/', 'plan/', 'dataset/contract.ts'], packages: ['node:', 'zod'] },
  'run/any.ts': {
    imports: [
      ...['core/', 'spec/', 'plan/', 'dataset/contract.ts', 'dataset/replay-contract.ts', 'model/contract.ts'],
      ...['checkpoint/contract.ts', 'executor/contract.ts'],
    ],
    packages: ['node:', 'zod'],
  },
  'history/any.ts': { imports: ['core/'], packages: ['node:', 'zod'] },
  'schedule/any.ts': {
    imports: ['core/', 'spec/', 'history/contract.ts'],
    packages: ['node:', 'cron-parser', 'execa', 'zod'],
  },
  'telemetry/any.ts': {
    imports: ['core/', 'spec/', 'run/events.ts'],
    packages: ['node:', 'execa', 'p-retry', 'zod'],
  },
  'cli/any.ts': {
    imports: [
      ...['core/', 'spec/', 'plan/', 'run/', 'checkpoint/', 'dataset/contract.ts', 'model/contract.ts'],
      ...['executor/contract.ts', 'worker/protocol.ts', 'history/contract.ts', 'schedule/', 'telemetry/contract.ts'],
    ],
    packages: ['node:', 'commander', 'cli-progress', 'cli-table3', 'picocolors'],
  },
  // It puts everything together, so it sees every room, one to come included.
  'cli/context.ts': {
    imports: [
      ...['core/', 'spec/', 'plan/', 'run/', 'checkpoint/', 'dataset/', 'model/', 'executor/', 'worker/'],
      ...['history/', 'schedule/', 'telemetry/'],
      'no-such-room/',
    ],
    packages: ['node:'],
  },
  'no-such-room/any.ts': { imports: [], packages: [] },
};

const rooms = [...new Set(Object.keys(fences).map((file) => dirname(file)))];
const everyPackage = [
  ...['node:fs', 'node:fs/promises', 'node:path', 'node:crypto', 'node:sqlite', 'cron-parser', 'a-new-package'],
  ...Object.values(fences).flatMap((fence) => fence.packages.filter((name) => !name.startsWith('node:'))),
];
const everyFile = rooms.flatMap((room) =>
  [
    ...[
      'contract.ts',
      'events.ts',
      'protocol.ts',
      'output-expression.ts',
      'output-step.ts',
      'local.ts',
      'column-type.ts',
      'element-array.ts',
    ],
  ].map((file) => `${room}/${file}`),
);

function mayImport(file: string, specifier: string): boolean {
  const fence = fences[file];
  if (fence === undefined) return false;
  if (specifier.startsWith('../')) {
    const target = specifier.slice('../'.length);
    return fence.imports.some((allowed) => (allowed.endsWith('/') ? target.startsWith(allowed) : target === allowed));
  }
  if (specifier === 'node:sqlite') return fence.packages.includes(specifier);
  if (specifier.startsWith('node:') && fence.packages.includes('node:')) return true;
  return fence.packages.includes(specifier);
}

/** Every import that a file of this room could try, its own room left out. */
function specifiersFor(file: string): readonly string[] {
  const others = everyFile.filter((other) => dirname(other) !== dirname(file));
  return [...others.map((other) => `../${other}`), ...new Set(everyPackage)];
}

class PlantedTree implements Disposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'nightshift-fences-')));
  private readonly linesOf = new Map<string, readonly string[]>();

  plant(file: string, lines: readonly string[]): void {
    mkdirSync(dirname(join(this.folder, file)), { recursive: true });
    writeFileSync(join(this.folder, file), `${lines.join('\n')}\n`);
    this.linesOf.set(file, lines);
  }

  /** Runs the real Biome with the real configuration. @returns the planted lines that it complains about, per file. */
  async lint(only?: string): Promise<ReadonlyMap<string, readonly { rule: string; line: string }[]>> {
    await copyFile(join(root, 'biome.json'), join(this.folder, 'biome.json'));
    const scope = only === undefined ? [] : [`--only=${only}`];
    const args = ['lint', '.', '--reporter=github', '--max-diagnostics=none', ...scope];
    const options = { cwd: this.folder, localDir: root, preferLocal: true, reject: false } as const;
    const { stdout } = await execa('biome', args, options);
    const found = new Map<string, { rule: string; line: string }[]>();
    for (const match of stdout.matchAll(/title=(lint\/[\w/]+),file=([^,]+),line=(\d+),/g)) {
      const [, rule = '', path = '', lineNumber = ''] = match;
      const file = relative(this.folder, resolve(this.folder, path));
      const line = this.linesOf.get(file)?.[Number(lineNumber) - 1] ?? '';
      found.set(file, [...(found.get(file) ?? []), { rule, line }]);
    }
    return found;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('fences between the folders of src', () => {
  const tree = new PlantedTree();
  let complaints: Awaited<ReturnType<PlantedTree['lint']>> = new Map();

  beforeAll(async () => {
    for (const file of Object.keys(fences)) {
      const lines = specifiersFor(file).map((specifier) => `import '${specifier}';`);
      tree.plant(`src/${file}`, lines);
    }
    complaints = await tree.lint('style/noRestrictedImports');
  });
  afterAll(() => tree[Symbol.dispose]());

  it.each(Object.keys(fences))('src/%s imports what its fence allows and nothing else', (file) => {
    const caught = new Set(complaints.get(`src/${file}`)?.map(({ line }) => line));
    const passed = specifiersFor(file).filter((specifier) => !caught.has(`import '${specifier}';`));
    expect(passed).toEqual(specifiersFor(file).filter((specifier) => mayImport(file, specifier)));
  });

  it('gives every folder of src a fence', () => {
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const unfenced = folders.map((folder) => folder.name).filter((name) => !rooms.includes(name));
    expect(unfenced, 'add each of these to biome.json and to the table of this test').toEqual([]);
  });
});

describe('ways around a fence', () => {
  it.each([
    "import type { A } from '../run/a.ts';",
    "export { a } from '../run/a.ts';",
    "export * from '../run/a.ts';",
    "export const a = await import('../run/a.ts');",
    "import './../run/a.ts';",
    "import '../core/../run/a.ts';",
    "import '../../src/run/a.ts';",
    "import 'zod/mini';",
  ])('catches %s', async (line) => {
    using tree = new PlantedTree();
    tree.plant('src/dataset/a.ts', [line]);
    const complaints = await tree.lint('style/noRestrictedImports');
    expect(complaints.get('src/dataset/a.ts')?.map((complaint) => complaint.line)).toContain(line);
  });
});

describe('house rules beside the fences', () => {
  const planted = [
    { rule: 'lint/style/noProcessEnv', file: 'src/run/a.ts', line: 'export const home = process.env;' },
    { rule: 'lint/suspicious/noConsole', file: 'src/run/b.ts', line: "console.log('x');" },
    { rule: 'lint/suspicious/noImportCycles', file: 'src/run/c.ts', line: "export { d } from './d.ts';" },
    { rule: 'lint/suspicious/noExplicitAny', file: 'src/run/e.ts', line: 'export const e: any = 1;' },
    { rule: 'lint/style/noNonNullAssertion', file: 'src/run/f.ts', line: 'export const f = [1][0]!;' },
    { rule: 'lint/style/noDefaultExport', file: 'src/run/g.ts', line: 'export default 1;' },
    { rule: 'lint/style/noEnum', file: 'src/run/h.ts', line: 'export enum H {}' },
    { rule: 'lint/correctness/useImportExtensions', file: 'src/run/i.ts', line: "import './a';" },
    { rule: 'lint/performance/noBarrelFile', file: 'src/run/j.ts', line: "export { e } from './e.ts';" },
    { rule: 'lint/nursery/noFloatingPromises', file: 'src/run/k.ts', line: 'async function k() {} k();' },
    {
      rule: 'lint/complexity/useMaxParams',
      file: 'src/run/l.ts',
      line: 'export const l = (a: 1, b: 1, c: 1, d: 1) => 1;',
    },
  ] as const;
  const tolerated = [
    { file: 'src/core/a.ts', line: 'export const home = process.env;' },
    { file: 'src/cli/a.ts', line: "console.error('x');" },
    { file: 'a.config.ts', line: 'export default 1;' },
    { file: 'test/model/onnx_pb.ts', line: 'export const a: any = 1;' },
    { file: 'src/run/m.ts', line: "export const m = process.argv['length'];" },
  ] as const;
  const tree = new PlantedTree();
  let complaints: Awaited<ReturnType<PlantedTree['lint']>> = new Map();

  beforeAll(async () => {
    for (const { file, line } of [...planted, ...tolerated]) tree.plant(file, [line]);
    tree.plant('src/run/d.ts', ["export * as c from './c.ts';", 'export const d = 1;']);
    complaints = await tree.lint();
  });
  afterAll(() => tree[Symbol.dispose]());

  it.each(planted)('catches $line by $rule', ({ rule, file, line }) => {
    expect(complaints.get(file)).toContainEqual({ rule, line });
  });

  it.each(tolerated)('lets $file say $line', ({ file }) => {
    expect(complaints.get(file)).toBeUndefined();
  });
});
