import * as Args from '@oclif/core/args'
import {string} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {withEnvironment} from '../cli/flags.js'
import {openSync} from '../cli/sync-context.js'
import {parseWhole} from '../cli/whole.js'
import {diffSession} from '../sync/diff-session.js'
import {resolveSession} from '../sync/select-sessions.js'
import {discoverSessions} from '../transcript/discover.js'
import {diffText} from '../view/diff.js'

export default class Diff extends BaseCommand {
  static override summary = 'Tell how a session on this machine differs from what is stored of it.'
  static override description = `SESSION is a task, a name, a session id, or the beginning of one. Nothing is written. For each transcript: how both
stand to each other, and the last entries that only one of them has. Exits 0, whatever the difference.`
  static override examples = [
    {description: 'Before a merge or a fork', command: '<%= config.bin %> <%= command.id %> checkout-fix'},
    {description: 'For a program', command: '<%= config.bin %> <%= command.id %> 2f9a --json --lines 100'},
  ]
  static override args = {session: Args.string({description: 'The session to compare.', required: true})}
  static override flags = withEnvironment({
    lines: string({summary: 'How many entries of each side to show.', default: '5', helpValue: '<n>'}),
  })

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Diff)
    const runtime = await this.start(flags)
    const most = parseWhole(flags.lines, '--lines', 0)
    const {context, registry, projectKey} = await openSync(runtime, {dryRun: true})
    const localIds = async () => (await discoverSessions(context.configDir)).sessions.map(({sessionId}) => sessionId)
    const sessionId = await resolveSession(args.session, {registry, localIds, stored: context})
    const diff = await diffSession(context, sessionId, {projectKey, most})
    const {stdoutIsTerminal, columns} = runtime.screen
    await this.present(diff, () => diffText(diff, stdoutIsTerminal ? columns : Number.POSITIVE_INFINITY))
  }
}
