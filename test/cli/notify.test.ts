import { describe, expect, it } from 'vitest';
import { nightshift, temporaryFolder, writeSpec } from '../e2e/nightshift.ts';
import { hooks, noticeIn, pathSecret, pings, telling } from '../e2e/telling.ts';
import { listen, statuses } from '../telemetry/listener.ts';
import { digitsJob } from './flights-job.ts';

describe('notify test', () => {
  const ask = (cwd: string, ...args: readonly string[]) =>
    nightshift(['notify', 'test', 'jobs.yaml', 'digits', ...args], { cwd });

  it('sends a notice that is marked, and says what each target answered', async () => {
    await using folder = await temporaryFolder();
    await using server = await listen();
    await writeSpec(folder.path, { digits: { ...digitsJob, notify: telling(server.url) } });
    const finished = await ask(folder.path);
    expect(finished).toEqual({
      exitCode: 0,
      stdout: `ok  ping ${server.url}     answered 200\nok  webhook ${server.url}  answered 200`,
      stderr: '',
    });
    expect(hooks(server).map(noticeIn)).toMatchObject([{ type: 'run-failed', test: true, job: 'digits' }]);
    expect(pings(server)).toEqual(['/3']);
    expect((await ask(folder.path, '--event', 'success')).exitCode).toBe(0);
    expect(pings(server)).toEqual(['/3', '']);
  });

  it('exits 4 when a target does not take it', async () => {
    await using folder = await temporaryFolder();
    await using server = await listen(statuses(403));
    const onMissed = [{ webhook: `${server.url}/${pathSecret}` }, { command: './none.sh' }];
    await writeSpec(folder.path, { digits: { ...digitsJob, notify: { onMissed } } });
    const { exitCode, stdout } = await ask(folder.path, '--event', 'missed', '--json');
    expect(exitCode).toBe(4);
    expect(JSON.parse(stdout)).toEqual({
      v: 1,
      job: 'digits',
      test: true,
      targets: [
        { target: `webhook ${server.url}`, notice: 'run-missed', delivered: false, answer: 'answered 403' },
        { target: 'command none.sh', notice: 'run-missed', delivered: false, answer: 'there is no such program' },
      ],
    });
    expect(server.heard.map(noticeIn)).toMatchObject([{ type: 'run-missed', test: true }]);
  });

  it.each([
    ['no notices', {}],
    ['none of this event', { notify: { onSuccess: { command: './a.sh' } } }],
  ])('exits 2 for a job that has %s', async (_what, more) => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { digits: { ...digitsJob, ...more } });
    const { exitCode, stderr } = await ask(folder.path);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringContaining('error USAGE: job digits tells nobody of this: it has no notify.onFailure'),
    });
  });
});
