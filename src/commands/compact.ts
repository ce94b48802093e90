import * as Args from '@oclif/core/args'
import {string} from '@oclif/core/flags'
import {archiveFlags, archiveOf} from '../cli/archive-flags.js'
import {BaseCommand} from '../cli/base-command.js'
import {parseWait} from '../cli/duration.js'
import {exitCodeOf, worstExitCode} from '../cli/exit-codes.js'
import {withEnvironment} from '../cli/flags.js'
import {allFlag, dryRunFlag, sideBySide} from '../cli/session-flags.js'
import {openSync} from '../cli/sync-context.js'
import {parseWhole} from '../cli/whole.js'
import {compactMany} from '../sync/compact-many.js'
import {selectStored} from '../sync/select-stored.js'
import {discoverSessions} from '../transcript/discover.js'

export default class Compact extends BaseCommand {
  static override summary = 'Merge the many parts of stored sessions into few, or pack old sessions away.'
  static override description = `Without SESSION: the sessions of this directory. SESSION is a task, a name, a session id, or the beginning of one.
Readers get the same bytes before, meanwhile and after: what is deleted is covered by a part that is stored already, so that nothing is asked.
Where another wrote lately, its parts are deleted after a minute's grace, which this command waits for; interrupted, it leaves them to the
next run. Needs the right to delete; without it, or under Object Lock, it says so and changes nothing.

With --archive whole sessions are packed instead, and take a fraction of the space. Every reprise command reads them, and whoever goes on in
one brings it back. To other programs, the Agent SDK's own adapters too, an archived session is an empty one: one that may still be in use
(a lease, or a part of another program, in the last 24 hours) is refused with exit code 4.`
  static override examples = [
    {description: 'What it would do, and cost', command: '<%= config.bin %> <%= command.id %> --all --dry-run'},
    {
      description: 'Each night, whatever is worth it',
      command: '<%= config.bin %> <%= command.id %> --all --min-parts 16',
    },
    {description: 'One session, without waiting', command: '<%= config.bin %> <%= command.id %> 2f9a --grace 0s'},
    {
      description: 'Pack what nobody wrote to for a month',
      command: '<%= config.bin %> <%= command.id %> --all --archive gzip --older-than 30d',
    },
  ]
  static override args = {sessions: Args.string({description: 'Sessions to compact.', multiple: true})}
  static override flags = withEnvironment({
    all: allFlag,
    ...archiveFlags,
    'min-parts': string({
      summary: 'Leave transcripts alone that have fewer parts. Does not count with --archive.',
      default: '2',
      helpValue: '<n>',
    }),
    grace: string({
      summary: 'Time for readers in flight before parts are deleted, and for other writers before theirs are adopted.',
      description:
        'Default: a minute where another wrote in the last ten minutes or holds the session, else none; and ten minutes.',
      helpValue: '<duration>',
    }),
    'dry-run': dryRunFlag,
  })

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Compact)
    const runtime = await this.start(flags)
    const {all, 'min-parts': minParts, grace, 'dry-run': dryRun} = flags
    const options = {
      minParts: parseWhole(minParts, '--min-parts', 2),
      grace: grace === undefined ? undefined : parseWait(grace, '--grace'),
      ...archiveOf(flags),
      dryRun,
      ...sideBySide(runtime),
    }
    const {context, registry, projectKey, sent} = await openSync(runtime, {dryRun})
    const here = (await discoverSessions(context.configDir)).sessions
    const sessions = await selectStored(context, registry, here, {named: args.sessions ?? [], projectKey, all})
    const report = await compactMany(context, sessions, {...options, sent})
    const codes = report.sessions.map(({error}) => (error ? exitCodeOf(error.kind) : 0))
    await this.present(
      report,
      async () => {
        const {compactText} = await import('../view/compact.js')
        const {stdoutIsTerminal, columns} = runtime.screen
        return compactText(report, {dryRun, width: stdoutIsTerminal ? columns : Infinity})
      },
      worstExitCode(codes),
    )
  }
}
