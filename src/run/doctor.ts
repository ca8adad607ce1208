import type { DoctorRequest, Finding } from './doctor-finding.ts';
import { folderFindings } from './doctor-folders.ts';
import { cpuFinding, filesFinding, memoryFinding, nodeFinding } from './doctor-host.ts';
import { nativeFindings } from './doctor-native.ts';
import { clockFinding, cronFinding, systemdFinding } from './doctor-schedulers.ts';

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
