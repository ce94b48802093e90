import * as Args from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {withEnvironment} from '../cli/flags.js'
import {splitArguments} from '../cli/launch-arguments.js'
import {checkResultFile, presentStarted} from '../cli/launch-result.js'
import {openResume} from '../cli/open-resume.js'
import {layoutFlag} from '../cli/open-sources.js'
import {startFlags} from '../cli/start-context.js'
import {escapeJson} from '../view/sanitize.js'

export default class Resume extends BaseCommand {
  static override summary = 'Go on in a session on this machine, wherever it was left.'
  static override description = `Takes the session's lease, restores its transcript where claude looks for it, starts claude --resume, stores what it writes as
it writes it, and gives the lease back. What stands behind -- goes to claude. The exit code is claude's own, unless what it wrote is not
stored (6, or 4 when another worker took the session over).
A session that another program copied is restored and gone on in, by codex resume where it is one of Codex, and what comes then stays on
this machine (docs/layouts.md).`
  static override examples = [
    {description: 'Go on in the work on a task', command: '<%= config.bin %> <%= command.id %> JIRA-17'},
    {
      description: 'In a script, waiting for the worker that has it',
      command: '<%= config.bin %> <%= command.id %> JIRA-17 --wait 2m -- -p "Run the tests again."',
    },
    {description: 'Show how it would be started', command: '<%= config.bin %> <%= command.id %> 2f9a --print --shell'},
  ]
  static override args = {session: Args.string({description: 'A task, a name, a session id, or the beginning of one.'})}
  static override flags = withEnvironment({
    task: string({
      summary: 'The task whose part of the store is meant ({task} in its URL). Without SESSION: its current session.',
      helpValue: '<task>',
    }),
    layout: layoutFlag,
    latest: boolean({summary: 'The session that was written last.'}),
    fork: boolean({summary: 'Go on in a copy, and leave the session as it is.'}),
    force: boolean({summary: 'Take the session over from whoever has it.'}),
    wait: string({summary: 'How long to wait for whoever has it (default: not at all).', helpValue: '<duration>'}),
    print: boolean({summary: 'Restore it, print how claude would be started, and do not start it.'}),
    shell: boolean({summary: 'With --print: as one line of shell.', dependsOn: ['print']}),
    ...startFlags,
  })

  async run(): Promise<void> {
    const {own, claude} = splitArguments(this.argv)
    const {args, flags} = await this.parse(Resume, own)
    const runtime = await this.start(flags)
    await checkResultFile(flags['result-file'])
    const resume = await openResume(runtime, args.session, claude, flags)
    if (flags.print) {
      const {shell, ...printed} = await resume.print()
      await this.present(printed, () => (flags.shell ? shell : escapeJson(JSON.stringify(printed, null, 2))))
    } else await presentStarted(await resume.start(), flags['result-file'])
  }
}
