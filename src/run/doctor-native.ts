import { execFile } from 'node:child_process';
import { messageOf } from '../core/errors.ts';
import type { Device } from '../executor/contract.ts';
import type { DoctorRequest, Finding } from './doctor-finding.ts';
import { gibibytesText } from './doctor-host.ts';

const probeTimeoutMs = 60_000;
const reinstall =
  'install the package again on this machine: `npm ci`; musl (Alpine) and 32-bit systems are not served';

type Gpus = { readonly devices: readonly Device[]; readonly error?: unknown };

/** GPUs, and the native libraries as they really load: each in a child process, so that a crash is an answer. */
export async function nativeFindings(request: DoctorRequest): Promise<readonly Finding[]> {
  const gpus = await request.findGpus().then(
    (devices): Gpus => ({ devices }),
    (error: unknown): Gpus => ({ devices: [], error }),
  );
  const [cpu, cuda, duckdb, tokenizers, sharp] = await Promise.all([
    probe(request, 'cpu'),
    probe(request, 'cuda'),
    probe(request, 'duckdb'),
    probe(request, 'tokenizers'),
    probe(request, 'sharp'),
  ]);
  return [
    gpuFinding(gpus),
    cpu.state === 'loaded'
      ? { name: 'provider cpu', status: 'ok', text: 'loads and computes' }
      : { name: 'provider cpu', status: 'fail', text: `not loaded: ${cpu.reason}`, fix: reinstall },
    cudaFinding(cuda, gpus),
    duckdb.state === 'loaded'
      ? { name: 'duckdb', status: 'ok', text: `${duckdb.detail} loads` }
      : { name: 'duckdb', status: 'fail', text: `not loaded: ${duckdb.reason}`, fix: reinstall },
    sometimesNeeded('tokenizers', 'texts', tokenizers),
    sometimesNeeded('sharp', 'images', sharp),
  ];
}

/** A library without which most jobs run. */
function sometimesNeeded(name: string, whose: string, found: Probe): Finding {
  if (found.state === 'loaded') return { name, status: 'ok', text: `${found.detail} loads` };
  return { name, status: 'warn', text: `not loaded, jobs with ${whose} fail: ${found.reason}`, fix: reinstall };
}

function gpuFinding({ devices, error }: Gpus): Finding {
  const name = 'gpus';
  if (error !== undefined)
    return {
      name,
      status: 'fail',
      text: messageOf(error),
      fix: 'mend the NVIDIA driver: `nvidia-smi` must list the cards',
    };
  if (devices.length === 0) return { name, status: 'ok', text: 'none, nvidia-smi shows no card; jobs run on the CPU' };
  const listed = devices.map((device) => {
    const memory =
      device.memoryBytes === undefined || Number.isNaN(device.memoryBytes)
        ? ''
        : `, ${gibibytesText(device.memoryBytes)}`;
    return `${device.name} ${device.description}${memory}`;
  });
  return { name, status: 'ok', text: listed.join('; ') };
}

/** No CUDA is no fault on a machine without a GPU; with one, it keeps every job from it. */
function cudaFinding(cuda: Probe, { devices }: Gpus): Finding {
  const name = 'provider cuda';
  if (cuda.state === 'loaded') return { name, status: 'ok', text: 'loads and computes' };
  const isInstalled = !/onnxruntime_providers_\w+\.so: cannot open/.test(cuda.reason) && cuda.reason !== '';
  const installer = `ONNXRUNTIME_NODE_INSTALL=cuda12 node ${cuda.installer ?? 'node_modules/onnxruntime-node/script/install.js'}`;
  const libraries = 'install CUDA 12 and cuDNN 9 and name their folders in LD_LIBRARY_PATH';
  const fix = isInstalled ? libraries : `fetch ONNX Runtime's GPU libraries: \`${installer}\`; then ${libraries}`;
  if (devices.length === 0)
    return {
      name,
      status: 'warn',
      text: `not loaded: ${cuda.reason}`,
      fix: `nothing to do without a GPU; with one, ${fix}`,
    };
  return { name, status: 'fail', text: `not loaded, so the GPUs lie idle: ${cuda.reason}`, fix };
}

type Probe =
  | { readonly state: 'loaded'; readonly detail: string }
  | { readonly state: 'failed'; readonly reason: string; readonly installer: string | undefined };

function probe(
  { probeEntry, env }: DoctorRequest,
  what: 'cpu' | 'cuda' | 'duckdb' | 'tokenizers' | 'sharp',
): Promise<Probe> {
  return new Promise((resolve) => {
    const options = { env: { ...env }, timeout: probeTimeoutMs, killSignal: 'SIGKILL' } as const;
    execFile(process.execPath, [probeEntry, what], options, (error, stdout, stderr) => {
      const answer = fieldsOf(stdout);
      if (answer?.detail !== undefined) return resolve({ state: 'loaded', detail: answer.detail });
      // ONNX Runtime tells the library that is missing on stderr only.
      const library = /with error: (.*)/.exec(stderr)?.[1];
      const reason = library ?? answer?.error ?? crashText(error);
      resolve({ state: 'failed', reason: plain(reason), installer: answer?.installer });
    });
  });
}

function crashText(error: { readonly signal?: string | undefined; readonly message: string } | null): string {
  if (error === null) return 'it gave no answer';
  return typeof error.signal === 'string' ? `the process died of ${error.signal}` : error.message;
}

function fieldsOf(stdout: string): { detail?: string; error?: string; installer?: string } | undefined {
  try {
    const value: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    if (typeof value !== 'object' || value === null) return undefined;
    return {
      ...('detail' in value ? { detail: String(value.detail) } : {}),
      ...('error' in value ? { error: String(value.error) } : {}),
      ...('installer' in value ? { installer: String(value.installer) } : {}),
    };
  } catch {
    return undefined;
  }
}

/** One line without colours, a path in front of its own message taken once. */
function plain(text: string): string {
  const line = (text.split('\n')[0] ?? '').trim();
  return line.replace(/^\S*\/(lib[^/\s]+\.so\S*:)/, '$1');
}
