/** Loaded before a command by `NODE_OPTIONS=--import`: see `holdingWorkers`. */
import { relative, sep } from 'node:path';
import { patchDisk } from '../chaos/patch-disk.ts';

const held = new RegExp(process.env['HELD_PARTS'] ?? '^$');
const isWorker = process.argv[1]?.includes(`${sep}worker${sep}`) === true;

function untilCancelled(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'type' in message && message.type === 'cancel') resolve();
  });
  return promise;
}

if (isWorker)
  await patchDisk(async ({ change, from = '' }, act) => {
    if (change === 'rename' && held.test(relative(process.cwd(), from))) await untilCancelled();
    return act();
  });
