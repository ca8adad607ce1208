import type { Device } from '../executor/contract.ts';
import { folderFindings } from './doctor-folders.ts';
import { cpuFinding, filesFinding, memoryFinding, nodeFinding } from './doctor-host.ts';
import { nativeFindings } from './doctor-native.ts';
import { clockFinding, cronFinding, systemdFinding } from './doctor-schedulers.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly text: string;
  /** What to do about it; findings that are ok have none. */
  readonly fix?: string;
}

export interface DoctorRequest {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stateFolder: string;
  readonly workingFolder: string;
  readonly temporaryFolder: string;
  /** Absolute path of the worker's probe. */
  readonly probeEntry: string;
  /** @throws AppError when GPUs cannot be looked for */
  readonly findGpus: () => Promise<readonly Device[]>;
  readonly now: Date;
}

/** Looks at everything that a run and its schedule need of this machine; changes nothing. */
export async function doctor(request: DoctorRequest): Promise<readonly Finding[]> {
  return [
    nodeFinding(process.versions.node),
    cpuFinding(),
    memoryFinding(),
    ...(await nativeFindings(request)),
    ...(await folderFindings(request)),
    filesFinding(),
    clockFinding(request.now),
    cronFinding(request.env),
    systemdFinding(),
  ];
}
