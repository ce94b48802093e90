import * as Args from '@oclif/core/args'
import {string} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {exitCodeOf, worstExitCode} from '../cli/exit-codes.js'
import {withEnvironment} from '../cli/flags.js'
import {
  allFlag,
  compactAtFlag,
  divergedFlags,
  dryRunFlag,
  filterFlags,
  filterOf,
  sideBySide,
} from '../cli/session-flags.js'
import {openTasks} from '../cli/open-tasks.js'
import {inspectSecrets} from '../sync/inspect-secrets.js'
import {pushMany, type PushOutcome, pushReport} from '../sync/push-many.js'
import {selectLocal} from '../sync/select-local.js'
import {pushText} from '../view/push.js'

export default class Push extends BaseCommand {
  static override summary = 'Store what of the sessions on this machine is not stored yet.'
  static override description = `Without SESSION: the sessions of this directory. SESSION is a task, a name, a session id, or the beginning of one.
Only what is new is uploaded; pushing again is safe and cheap. A session that went on elsewhere is left as it is (behind), and one that went
on in both places is refused (exit code 4) unless --merge or --fork says what to do.`
  static override examples = [
    {description: 'The sessions of this directory', command: '<%= config.bin %> <%= command.id %>'},
    {description: 'All that changed today', command: '<%= config.bin %> <%= command.id %> --all --since 1d'},
    {
      description: 'One session, to be found by a task later',
      command: '<%= config.bin %> <%= command.id %> 2f9a --task JIRA-17',
    },
  ]
  static override args = {sessions: Args.string({description: 'Sessions to push.', multiple: true})}
  static override flags = withEnvironment({
    all: allFlag,
    ...filterFlags,
    task: string({summary: 'Link this task to the session.', helpValue: '<task>'}),
    name: string({summary: 'Link this name to the session.', helpValue: '<name>'}),
    ...divergedFlags,
    secrets: string({
      summary: 'What to do where something looks like a secret (default: warn).',
      helpValue: '<warn|block|off>',
    }),
    'compact-at': compactAtFlag,
    'dry-run': dryRunFlag,
  })

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Push)
    const runtime = await this.start(flags)
    const {all, task, name, merge, fork, 'dry-run': dryRun} = flags
    const {secrets} = runtime.settings
    const warn = (message: string): void => runtime.warn({code: 'SECRETS_FOUND', message})
    const inspect = secrets === 'off' ? undefined : await inspectSecrets(secrets, warn)
    const options = {merge, fork, dryRun, task, name, ...(inspect && {inspect}), ...sideBySide(runtime)}
    const pushed: PushOutcome[] = []
    for (const {run, named} of await openTasks(runtime, args.sessions ?? [], {task, dryRun})) {
      const {context, registry, projectKey} = run
      const selection = {named, projectKey, all, ...filterOf(flags, runtime)}
      const sessions = await selectLocal(context, registry, selection)
      pushed.push(...(await pushMany(context, sessions, {...options, registry})).sessions)
    }
    const report = pushReport(pushed)
    const codes = report.sessions.map(({error}) => (error ? exitCodeOf(error.kind) : 0))
    await this.present(report, () => pushText(report, {dryRun}), worstExitCode(codes))
  }
}
