import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { systemCode } from '../core/files.ts';
import type { DoctorRequest, Finding } from './doctor-finding.ts';
import { gibibytesText } from './doctor-host.ts';

const failBelowBytes = 2 ** 28;
const warnBelowBytes = 5 * 2 ** 30;

/** Whether the folders that nightshift writes to can be written, and how much room they have. */
export async function folderFindings(request: DoctorRequest): Promise<readonly Finding[]> {
  return [
    await folderFinding(
      'working folder',
      request.workingFolder,
      'run where output.path may be written, or give it as an absolute path',
    ),
    await folderFinding('state folder', request.stateFolder, 'set XDG_STATE_HOME or --state-dir to a folder of yours'),
    await folderFinding('temporary folder', request.temporaryFolder, 'set TMPDIR to a folder that can be written'),
  ];
}

async function folderFinding(name: string, path: string, fix: string): Promise<Finding> {
  try {
    const existing = await nearestExisting(path);
    if (!(await stat(existing)).isDirectory())
      return { name, status: 'fail', text: `${path}: ${existing} is not a folder`, fix };
    await access(existing, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(existing);
    const freeBytes = bavail * bsize;
    const text = `${path}, ${existing === path ? 'writable' : 'can be made'}, ${gibibytesText(freeBytes)} free`;
    if (freeBytes < failBelowBytes) return { name, status: 'fail', text, fix: 'free some space there' };
    if (freeBytes < warnBelowBytes)
      return { name, status: 'warn', text, fix: 'free some space there, or keep runs small' };
    return { name, status: 'ok', text };
  } catch (error) {
    return { name, status: 'fail', text: `${path} cannot be written: ${messageOf(error)}`, fix };
  }
}

/** A folder that is not there yet is made in the nearest one that is. */
async function nearestExisting(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (error) {
    const isAbsent = systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR';
    if (!isAbsent || dirname(path) === path) throw error;
    return nearestExisting(dirname(path));
  }
}
