import * as Args from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {exitCodeOf, worstExitCode} from '../cli/exit-codes.js'
import {withEnvironment} from '../cli/flags.js'
import {allFlag, filterFlags, filterOf, sideBySide, taskFlag} from '../cli/session-flags.js'
import {openTasks, selectByTask} from '../cli/open-tasks.js'
import {type SessionStatus, statusOf, statusReport} from '../sync/status.js'
import {statusText} from '../view/status.js'

export default class Status extends BaseCommand {
  static override summary = 'Tell what of the sessions on this machine is not stored yet: may this worker die?'
  static override description = `Without SESSION: the sessions of this directory. Nothing is written. A session counts as stored when every entry
is in the store and no other worker can cut it off any more.`
  static override examples = [
    {description: 'The sessions of this directory', command: '<%= config.bin %> <%= command.id %>'},
    {
      description: 'Before a machine is given back',
      command: '<%= config.bin %> <%= command.id %> --all --exit-code || <%= config.bin %> push --all',
    },
  ]
  static override args = {sessions: Args.string({description: 'Sessions to look at.', multiple: true})}
  static override flags = withEnvironment({
    all: allFlag,
    task: taskFlag,
    ...filterFlags,
    'exit-code': boolean({summary: 'Exit with 6 when something is not stored.'}),
  })

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Status)
    const runtime = await this.start(flags)
    const runs = await openTasks(runtime, args.sessions ?? [], {task: flags.task, everyTask: true, dryRun: true})
    const statuses: SessionStatus[] = []
    for (const {run, sessions} of await selectByTask(runs, {all: flags.all, ...filterOf(flags, runtime)})) {
      const {context, processes} = run
      statuses.push(...(await statusOf(context, sessions, {processes, ...sideBySide(runtime)})).sessions)
    }
    const report = statusReport(statuses)
    const failures = report.sessions.flatMap(({error}) => (error ? [exitCodeOf(error.kind)] : []))
    const exitCode = flags['exit-code'] && !report.allStored ? exitCodeOf('unreachable') : worstExitCode(failures)
    await this.present(report, () => statusText(report), exitCode)
  }
}
