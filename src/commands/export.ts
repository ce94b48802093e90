import * as Args from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {parseDuration} from '../cli/duration.js'
import {exitCodeOf, worstExitCode} from '../cli/exit-codes.js'
import {exportSessions} from '../cli/export-sessions.js'
import {formOf} from '../cli/export-target.js'
import {withEnvironment} from '../cli/flags.js'
import {openAll} from '../cli/open-all.js'
import {chainFlags, openChain} from '../cli/open-inspection.js'
import {EXPORT_FORMATS} from '../inspect/export-session.js'
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
    format: string({
      summary: "What to write (default: what the file's name ends in, else jsonl).",
      options: [...EXPORT_FORMATS],
    }),
    output: string({
      char: 'o',
      summary:
        'Where to: a file, a directory/, or an s3:// URL (default: stdout); {session}, {task}, {user}, {machine}.',
      helpValue: '<file|url>',
    }),
    gzip: boolean({summary: 'Packed with gzip, as with a name that ends in .gz.'}),
    redact: boolean({summary: 'Mask what looks like a secret, and tell how much of what kind it was.'}),
    force: boolean({summary: 'Write over what is there.'}),
    ...chainFlags,
  })

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Export)
    const runtime = await this.start(flags)
    const since = flags.since === undefined ? undefined : runtime.clock.now() - parseDuration(flags.since, '--since')
    const chains = flags.all
      ? await openAll(runtime, {...flags, since})
      : [await openChain(runtime, args.session, flags)]
    const report = await exportSessions(runtime, chains, {...flags, ...formOf(flags)})
    const codes = report?.files.flatMap(({error}) => (error ? [exitCodeOf(error.kind)] : []))
    return this.present(report, () => (report ? exportText(report) : ''), worstExitCode(codes ?? []))
  }
}
