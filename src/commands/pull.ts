import {resolve} from 'node:path'
import * as Args from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {exitCodeOf, worstExitCode} from '../cli/exit-codes.js'
import {withEnvironment} from '../cli/flags.js'
import {pullForeign} from '../cli/open-foreign.js'
import {layoutFlag} from '../cli/open-sources.js'
import {allFlag, divergedFlags, dryRunFlag, maxBytesFlag, sideBySide, taskFlag} from '../cli/session-flags.js'
import {openTasks} from '../cli/open-tasks.js'
import {pullMany, pullReport} from '../sync/pull-many.js'
import {selectStored} from '../sync/select-stored.js'
import {discoverSessions} from '../transcript/discover.js'
import {pullText} from '../view/pull.js'

export default class Pull extends BaseCommand {
  static override summary = 'Bring sessions from the store to this machine.'
  static override description = `Without SESSION: the sessions of this directory. SESSION is a task, a name, a session id, or the beginning of one.
A session that is here is updated where it lies; another comes under this directory, where claude --resume finds it. Each file arrives whole
and verified, or stays as it was. What is here and not in the store is kept: where both sides went on, the session is refused (exit code 4)
unless --merge or --fork says what to do. Sessions that other programs copied, Claude's and Codex's, are restored the same way (docs/layouts.md).`
  static override examples = [
    {description: 'The sessions of this directory', command: '<%= config.bin %> <%= command.id %>'},
    {description: 'What a task worked on last', command: '<%= config.bin %> <%= command.id %> JIRA-17'},
    {
      description: 'Everything, into a config dir of its own',
      command: '<%= config.bin %> <%= command.id %> --all --to ./restored',
    },
  ]
  static override args = {sessions: Args.string({description: 'Sessions to pull.', multiple: true})}
  static override flags = withEnvironment({
    all: allFlag,
    task: taskFlag,
    layout: layoutFlag,
    to: string({summary: 'Pull into this config dir instead (the one claude would be given).', helpValue: '<dir>'}),
    ...divergedFlags,
    force: boolean({summary: 'Write also where a claude on this machine has the session open.'}),
    'max-bytes': maxBytesFlag,
    'dry-run': dryRunFlag,
  })

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Pull)
    const runtime = await this.start(flags)
    const {all, task, to, merge, fork, force, layout, 'dry-run': dryRun} = flags
    const configDir = to === undefined ? undefined : resolve(to)
    const opening = {task, configDir, makeConfigDir: true, dryRun, everyTask: true}
    const others = {task, layout, all, to: configDir, merge, fork, force, dryRun}
    const {outcomes: pulled, left} = await pullForeign(runtime, args.sessions ?? [], others)
    for (const {run, named} of left ? await openTasks(runtime, left, opening) : []) {
      const {context, registry, processes, projectKey} = run
      const here = (await discoverSessions(context.configDir)).sessions
      const sessions = await selectStored(context, registry, here, {named, projectKey, all})
      const target = all ? undefined : projectKey
      const options = {merge, fork, force, dryRun, processes, projectKey: target, ...sideBySide(runtime)}
      pulled.push(...(await pullMany(context, sessions, here, options)).sessions)
    }
    const report = pullReport(pulled)
    const codes = report.sessions.map(({error}) => (error ? exitCodeOf(error.kind) : 0))
    await this.present(report, () => pullText(report, {dryRun}), worstExitCode(codes))
  }
}
