import { Command } from 'commander';
import { addBackfillCommand } from './backfill-command.ts';
import { addCacheCommand } from './cache-command.ts';
import { addCleanCommand } from './clean-command.ts';
import { addCompletionCommand } from './completion-command.ts';
import { addDiffCommand } from './diff-command.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { exitCodesHelp, withHelp } from './help-text.ts';
import { addInitCommand } from './init-command.ts';
import { addInspectCommand } from './inspect-command.ts';
import { addNotifyCommand } from './notify-command.ts';
import { packageVersion } from './package-version.ts';
import { addPlanCommand } from './plan-command.ts';
import { addPublishCommand } from './publish-command.ts';
import { addReplayCommand } from './replay-command.ts';
import { addRerunCommand } from './rerun-command.ts';
import { addRollbackCommand } from './rollback-command.ts';
import { addRunCommand } from './run-command.ts';
import { addRunsCommand } from './runs-command.ts';
import { addScheduleCommand } from './schedule-command.ts';
import { addSchemaCommand } from './schema-command.ts';
import { addTuneCommand } from './tune-command.ts';
import { addValidateCommand } from './validate-command.ts';
import { addVerifyCommand } from './verify-command.ts';
import { addVersionsCommand } from './versions-command.ts';

/**
 * The whole command line. Only light modules may be imported here and by the `add…Command` functions, so that help
 * and completion come at once: what a command does is imported when it is asked for.
 */
export function buildProgram(): Command {
  const program = new Command('nightshift')
    .description('Score big tables with ONNX models, every night.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .option('--no-color', 'print without colours, as NO_COLOR=1 does')
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => command.name() })
    // main.ts prints what is wrong, in the format of every other error.
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  addRunCommand(program);
  addRunsCommand(program);
  addPlanCommand(program);
  addValidateCommand(program);
  addTuneCommand(program);
  addInitCommand(program);
  addInspectCommand(program);
  addScheduleCommand(program);
  addBackfillCommand(program);
  addPublishCommand(program);
  addReplayCommand(program);
  addRerunCommand(program);
  addVerifyCommand(program);
  addVersionsCommand(program);
  addRollbackCommand(program);
  addCleanCommand(program);
  addCacheCommand(program);
  addDiffCommand(program);
  addNotifyCommand(program);
  addDoctorCommand(program);
  addSchemaCommand(program);
  addCompletionCommand(program);
  return withHelp(program, {
    examples: [
      ['nightshift init model.onnx data.parquet', 'write a spec that runs as it is'],
      ['nightshift plan', 'see what a run would do'],
      ['nightshift run', 'score all jobs of jobs.yaml'],
      ['nightshift run jobs.yaml late-flights --workers 4', 'score one job with four workers'],
    ],
    more: exitCodesHelp,
  });
}
