import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { writeError, writeFileAtomic } from '../core/files.ts';
import { OperatorTimes, profileLines } from '../model/profile-summary.ts';
import { runLayout } from '../plan/layout.ts';
import { recordVersion } from '../plan/run-plan.ts';
import type { WorkerProfile } from '../plan/worker-profile.ts';

/** A profile ends after so many batches or so long in the session: the events of each batch are alike. */
const batchesAtMost = 500;
const sessionMsAtMost = 5000;
/** What browsers open without a wait. */
const traceBytesAtMost = 20 * 2 ** 20;

/** Where a worker's session writes its profile; makes the folder. @throws AppError OUTPUT_UNWRITABLE */
export async function profilePrefix(outputFolder: string, runId: string): Promise<string> {
  const prefix = join(outputFolder, runLayout(runId).profile, `worker-${process.pid}`);
  await mkdir(dirname(prefix), { recursive: true }).catch((error: unknown) =>
    Promise.reject(writeError(error, prefix)),
  );
  return prefix;
}

/** A session's profile on its way to the disk. */
export class KeptProfile {
  readonly #prefix: string;
  readonly #end: () => void;
  readonly #loadMs: number;
  #batches = 0;
  #sessionMs = 0;
  #state: 'recording' | 'ended' | 'kept' = 'recording';

  constructor(prefix: string, { end, loadMs }: { readonly end: () => void; readonly loadMs: number }) {
    this.#prefix = prefix;
    this.#end = end;
    this.#loadMs = loadMs;
  }

  /** One more session call was made. */
  saw(ms: number): void {
    if (this.#state !== 'recording') return;
    this.#batches++;
    this.#sessionMs += ms;
    if (this.#batches < batchesAtMost && this.#sessionMs < sessionMsAtMost) return;
    this.#stop();
  }

  /** Leaves the trace and what it comes to; does nothing from the second time on. */
  async keep(): Promise<void> {
    if (this.#state === 'kept') return;
    if (this.#state === 'recording') this.#stop();
    this.#state = 'kept';
    const folder = dirname(this.#prefix);
    const name = basename(this.#prefix);
    const written = (await readdir(folder)).find((file) => file.startsWith(`${name}_`));
    if (written === undefined) return;
    const trace = `${name}.trace.json`;
    const kept = await keptTrace(join(folder, written), join(folder, trace));
    await rm(join(folder, written));
    const profile: WorkerProfile = {
      v: recordVersion,
      seconds: { load: this.#loadMs / 1000, session: this.#sessionMs / 1000 },
      batches: this.#batches,
      trace,
      ...kept,
    };
    await writeFileAtomic(`${this.#prefix}.json`, `${JSON.stringify(profile)}\n`);
  }

  #stop(): void {
    this.#state = 'ended';
    this.#end();
  }
}

async function keptTrace(from: string, to: string): Promise<Pick<WorkerProfile, 'isCut' | 'operators'>> {
  const times = new OperatorTimes();
  let isCut = false;
  async function* pieces(): AsyncGenerator<string> {
    let bytes = 0;
    for await (const line of profileLines(from)) {
      times.add(line);
      isCut ||= bytes + line.length > traceBytesAtMost;
      if (isCut) continue;
      yield `${bytes === 0 ? '[' : ','}\n${line}`;
      bytes += line.length;
    }
    yield bytes === 0 ? '[]\n' : '\n]\n';
  }
  await pipeline(Readable.from(pieces()), createWriteStream(to)).catch((error: unknown) =>
    Promise.reject(writeError(error, to)),
  );
  return { isCut, operators: times.sorted() };
}
