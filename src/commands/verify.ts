import * as Args from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {exitCodeOf, worstExitCode} from '../cli/exit-codes.js'
import {withEnvironment} from '../cli/flags.js'
import {sideBySide} from '../cli/session-flags.js'
import {openSync} from '../cli/sync-context.js'
import {failuresIn, verifyMany} from '../sync/verify-many.js'
import {discoverSessions} from '../transcript/discover.js'
import {verifyText} from '../view/verify.js'

export default class Verify extends BaseCommand {
  static override summary = 'Check that what is stored of sessions is whole, and what it claims to be.'
  static override description = `Without SESSION: every session of the store. SESSION is a task, a name, a session id, or the beginning of one.
Nothing is written. Names, sizes and metadata of all parts are held against each other; with --read-data every byte is read, each
digest checked, each line parsed, and what entries name is looked for: their parents, subagents, outputs too large for a transcript.
Exits 7 when something is damaged, 6 when something could not be read. What a finding means: docs/doctor.md.`
  static override examples = [
    {description: 'What parts say of themselves', command: '<%= config.bin %> <%= command.id %>'},
    {description: 'Each week, all of it', command: '<%= config.bin %> <%= command.id %> --read-data --json'},
    {description: 'One session', command: '<%= config.bin %> <%= command.id %> 2f9a --read-data'},
  ]
  static override args = {sessions: Args.string({description: 'Sessions to verify.', multiple: true})}
  static override flags = withEnvironment({
    all: boolean({summary: 'Every session of the store, as without SESSION.'}),
    'read-data': boolean({summary: 'Read every byte, not only what is said about it.'}),
  })

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Verify)
    const runtime = await this.start(flags)
    const {context, registry} = await openSync(runtime, {dryRun: true})
    const report = await verifyMany(context, registry, {
      named: flags.all ? [] : (args.sessions ?? []),
      localIds: async () => (await discoverSessions(context.configDir)).sessions.map(({sessionId}) => sessionId),
      readData: flags['read-data'],
      ...sideBySide(runtime),
    })
    const codes = failuresIn(report).map(exitCodeOf)
    await this.present(report, () => verifyText(report), worstExitCode(codes))
  }
}
