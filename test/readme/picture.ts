import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import terminal from '@xterm/headless';
import { execa } from 'execa';
import { flights } from '../bench/data.ts';
import { stateFolder } from '../house/state-folder.ts';

/**
 * Draws fixtures/readme/run.svg from a real run: `script` records a terminal with its timing, xterm replays it, and
 * each moment becomes a frame. Run by hand, `node test/readme/picture.ts`, when what a run shows has changed.
 */
const root = resolve(import.meta.dirname, '../..');
const columns = 96;
const rows = 20;
const frameCount = 14;
const cell = { width: 8.43, height: 19 };
const palette: Readonly<Record<number, string>> = {
  1: '#ff7b72',
  2: '#7ee787',
  3: '#e3b341',
  4: '#79c0ff',
  6: '#76e3ea',
  8: '#8b949e',
};

interface Run {
  readonly text: string;
  readonly colour: string;
  readonly isBold: boolean;
  readonly column: number;
}
type Frame = readonly (readonly Run[])[];

const folder = await mkdtemp(join(tmpdir(), 'nightshift-picture-'));
try {
  const frames = await replay(await record(folder));
  await mkdir(join(root, 'fixtures/readme'), { recursive: true });
  await writeFile(join(root, 'fixtures/readme/run.svg'), svg(frames));
} finally {
  await rm(folder, { recursive: true, force: true });
}

interface Recording {
  readonly output: Buffer;
  /** Seconds to wait, and bytes that follow. */
  readonly steps: readonly { readonly seconds: number; readonly bytes: number }[];
}

async function record(where: string): Promise<Recording> {
  const set = await flights();
  const job = {
    model: set.model,
    input: set.input,
    features: { [set.modelInput]: { columns: set.columns, nulls: set.nulls } },
    output: { path: 'out/late-flights', mode: 'overwrite', keep: [set.key], columns: set.outputColumns },
  };
  await writeFile(join(where, 'jobs.yaml'), JSON.stringify({ version: 1, jobs: { 'late-flights': job } }));
  const [output, timing] = [join(where, 'output'), join(where, 'timing')];
  const command = `stty cols ${columns} rows ${rows}; ${process.execPath} ${join(root, 'bin/nightshift.js')} run`;
  await execa('script', ['--quiet', '--log-out', output, '--log-timing', timing, '--command', command], {
    cwd: where,
    env: { XDG_STATE_HOME: stateFolder(), TERM: 'xterm-256color', COLUMNS: String(columns), LINES: String(rows) },
  });
  const lines = (await readFile(timing, 'utf8')).trim().split('\n');
  const steps = lines.map((line) => {
    const [seconds, bytes] = line.split(' ').slice(-2);
    return { seconds: Number(seconds), bytes: Number(bytes) };
  });
  const raw = await readFile(output);
  // The first line is script's own header.
  return { output: raw.subarray(raw.indexOf('\n') + 1), steps };
}

async function replay({ output, steps }: Recording): Promise<readonly Frame[]> {
  const screen = new terminal.Terminal({ cols: columns, rows, allowProposedApi: true });
  const total = steps.reduce((sum, step) => sum + step.seconds, 0);
  const frames: Frame[] = [];
  let [time, at] = [0, 0];
  for (const [index, step] of steps.entries()) {
    time += step.seconds;
    await new Promise<void>((done) => screen.write(output.subarray(at, at + step.bytes), done));
    at += step.bytes;
    if (time >= (total / frameCount) * frames.length || index === steps.length - 1) frames.push(look(screen));
  }
  return frames;
}

function look(screen: InstanceType<typeof terminal.Terminal>): Frame {
  const buffer = screen.buffer.active;
  return Array.from({ length: rows }, (_, row) => {
    const line = buffer.getLine(buffer.viewportY + row);
    const runs: Run[] = [];
    for (let column = 0; column < columns; column++) {
      const here = line?.getCell(column);
      if (here === undefined) continue;
      const colour =
        here.isDim() !== 0
          ? '#8b949e'
          : ((here.isFgPalette() ? palette[here.getFgColor() % 8 === 0 ? 8 : here.getFgColor() % 8] : undefined) ??
            '#e6edf3');
      const isBold = here.isBold() !== 0;
      const last = runs.at(-1);
      const text = here.getChars() === '' ? ' ' : here.getChars();
      if (last !== undefined && last.colour === colour && last.isBold === isBold)
        runs[runs.length - 1] = { ...last, text: last.text + text };
      else runs.push({ text, colour, isBold, column });
    }
    return runs.filter((run) => run.text.trim() !== '');
  });
}

function svg(frames: readonly Frame[]): string {
  const prompt: Run[] = [{ text: '$ nightshift run', colour: '#8b949e', isBold: false, column: 0 }];
  const used = Math.max(...frames.map((frame) => frame.findLastIndex((runs) => runs.length > 0))) + 2;
  const [width, height] = [Math.round(columns * cell.width + 40), Math.round(used * cell.height + 66)];
  const seconds = frames.length * 0.7 + 3;
  const styles = frames.map((_, index) => {
    const from = ((index * 0.7) / seconds) * 100;
    const to = index === frames.length - 1 ? 100 : (((index + 1) * 0.7) / seconds) * 100;
    return `@keyframes f${index}{0%,${Math.max(0, from - 0.01).toFixed(2)}%{opacity:0}${from.toFixed(2)}%,${(to - 0.01).toFixed(2)}%{opacity:1}${to.toFixed(2)}%,100%{opacity:${index === frames.length - 1 ? 1 : 0}}}.f${index}{opacity:${index === frames.length - 1 ? 1 : 0};animation:f${index} ${seconds}s step-end infinite}`;
  });
  const groups = frames.map(
    (frame, index) => `<g class="f${index}">${[prompt, ...frame].slice(0, used).map(lineSvg).join('')}</g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="nightshift scores five million flights in a terminal">
<style>text{font:14px ui-monospace,'SFMono-Regular','DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre}${styles.join('')}@media (prefers-reduced-motion:reduce){g{animation:none!important}}</style>
<rect width="100%" height="100%" rx="10" fill="#0d1117"/><circle cx="22" cy="20" r="6" fill="#ff5f57"/><circle cx="42" cy="20" r="6" fill="#febc2e"/><circle cx="62" cy="20" r="6" fill="#28c840"/>
${groups.join('\n')}
</svg>
`;
}

function lineSvg(runs: readonly Run[], row: number): string {
  const y = (56 + row * cell.height).toFixed(0);
  return runs.map((run) => runSvg(run, y)).join('');
}

/** Blanks at the ends are left out, since renderers disagree about them. */
function runSvg({ text, colour, isBold, column }: Run, y: string): string {
  const shown = text.trim();
  const x = (20 + (column + text.indexOf(shown)) * cell.width).toFixed(1);
  const weight = isBold ? ' font-weight="bold"' : '';
  const length = (shown.length * cell.width).toFixed(1);
  return `<text x="${x}" y="${y}" fill="${colour}"${weight} textLength="${length}">${escapeXml(shown)}</text>`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
