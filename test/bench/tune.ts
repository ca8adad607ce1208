import { tunedKeys } from '../../src/plan/tune-grid.ts';
import { tuneShare } from './tune-share.ts';

/** `node test/bench/tune.ts SPEC JOB [rows|auto] [budget seconds] [rounds] [settings...]` */
const [path = 'jobs.example.yaml', job, rows = 'auto', budget = '60', rounds = '3', ...given] = process.argv.slice(2);
await tuneShare({
  path,
  job,
  rows: rows === 'auto' ? rows : Number(rows),
  budgetSeconds: Number(budget),
  rounds: Number(rounds),
  only: given.length === 0 ? undefined : tunedKeys.filter((key) => given.includes(key)),
});
