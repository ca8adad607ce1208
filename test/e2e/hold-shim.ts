/** Loaded before a command by `NODE_OPTIONS=--import`: see `holdingWorkers`. */
import { existsSync, watch } from 'node:fs';
import { resolve, sep } from 'node:path';
import { patchDisk } from '../chaos/patch-disk.ts';

const held = new RegExp(process.env['HELD_PARTS'] ?? '^$');
const letGoFile = process.env['LET_GO_FILE'] ?? 'let-go';
const isWorker = process.argv[1]?.includes(`${sep}worker${sep}`) === true;

/** Until it is told to stop, or the file is there. */
async function hold(): Promise<void> {
  const letGo = Promise.withResolvers<void>();
  // Not before: who listens first gets the first message.
  process.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'type' in message && message.type === 'cancel')
      letGo.resolve();
  });
  const look = () => existsSync(letGoFile) && letGo.resolve();
  const watcher = watch(process.cwd(), look);
  look();
  await letGo.promise;
  watcher.close();
}

if (isWorker)
  await patchDisk(async ({ change, from = '' }, act) => {
    if (change === 'rename' && held.test(resolve(from))) await hold();
    return act();
  });
