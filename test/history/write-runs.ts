/** Records one run after the other, and prints the id of each as soon as it is recorded: `node write-runs.ts FOLDER NAME COUNT`. */
import { ownIdentity } from '../../src/core/host.ts';
import { openSqliteHistory } from '../../src/history/sqlite-history.ts';
import { runStart } from './run-start.ts';

const [stateFolder = '', name = '', count = '0'] = process.argv.slice(2);
using history = openSqliteHistory({ stateFolder });
for (let nth = 0; nth < Number(count); nth++) {
  const runId = `${name}-${nth}`;
  const record = history.beginRun(runStart({ ...ownIdentity(), runId }));
  if (nth % 2 === 0) history.endRun(record, { state: 'published', exitCode: 0, endedAtMs: 1 });
  history.decideTick({ specPath: '/s', job: 'j', tickMs: nth, decision: 'run', runId, decidedAtMs: 1 });
  process.stdout.write(`${runId}\n`);
}
