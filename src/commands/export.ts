import * as Args from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {exitCodeOf, worstExitCode} from '../cli/exit-codes.js'
import {exportSessions} from '../cli/export-sessions.js'
import {formFlags, formOf} from '../cli/export-target.js'
import {withEnvironment} from '../cli/flags.js'
import {openWanted} from '../cli/open-wanted.js'
import {chainFlags} from '../cli/open-inspection.js'
import {exportText} from '../view/export/report.js'

export default class Export extends BaseCommand {
  static override summary = 'Write a session as one file: its lines, JSON, Markdown, or a page to read.'
  static override description = `SESSION is a task, a name, a session id, or the beginning of one; a task or name is all its sessions in one file.
jsonl is byte for byte what readers are given; html is one page that needs nothing else, and asks nobody for anything.
Files are readable by their owner only. Sessions hold what the agent saw: look at what you give away.
With --redact asterisks stand for what looks like a secret.`
  static override examples = [
    {description: 'A page to read', command: '<%= config.bin %> <%= command.id %> checkout-fix -o checkout-fix.html'},
    {
      description: 'Where traces are kept',
      command: '<%= config.bin %> <%= command.id %> T-1 -o s3://traces/{user}/{task}.jsonl.gz',
    },
    {
      description: 'A week, a file each',
      command: '<%= config.bin %> <%= command.id %> --all --since 7d --format md -o week/',
    },
  ]
  static override args = {session: Args.string({description: 'The session.'})}
  static override flags = withEnvironment({
    all: boolean({summary: 'Every session, each as a file of its own.', exclusive: ['session']}),
    since: string({summary: 'With --all: what was active within this time.', helpValue: '<7d>', dependsOn: ['all']}),
    ...formFlags,
    redact: boolean({summary: 'Mask what looks like a secret, and tell how much of what kind it was.'}),
    force: boolean({summary: 'Write over what is there.'}),
    ...chainFlags,
  })

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Export)
    const runtime = await this.start(flags)
    const chains = await openWanted(runtime, args.session, flags)
    const report = await exportSessions(runtime, chains, {...flags, ...formOf(flags)})
    const codes = report?.files.flatMap(({error}) => (error ? [exitCodeOf(error.kind)] : []))
    return this.present(report, () => (report ? exportText(report) : ''), worstExitCode(codes ?? []))
  }
}
