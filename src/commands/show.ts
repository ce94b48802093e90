import * as Args from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {withEnvironment} from '../cli/flags.js'
import {chainFlags, openChain} from '../cli/open-inspection.js'
import {showChain} from '../cli/show-chain.js'
import {parseWhole} from '../cli/whole.js'

export default class Show extends BaseCommand {
  static override summary = 'Show what was said and done in a session.'
  static override description = `SESSION is a task, a name, a session id, or the beginning of one; a task or name shows all its sessions, one after the other.
It is read from the store, or, where it is not stored, from this machine. Long outputs and thinking are folded, subagents stand below the
call that started them. Nothing is written.`
  static override examples = [
    {description: 'The work on a task', command: '<%= config.bin %> <%= command.id %> checkout-fix'},
    {
      description: 'What happens now on another machine',
      command: '<%= config.bin %> <%= command.id %> 2f9a --tail 1 --follow',
    },
    {description: 'For a program', command: '<%= config.bin %> <%= command.id %> 2f9a --json'},
  ]
  static override args = {session: Args.string({description: 'The session to show.'})}
  static override flags = withEnvironment({
    tail: string({summary: 'The last so many turns alone (with --raw: lines).', helpValue: '<n>'}),
    follow: boolean({
      char: 'f',
      summary: 'Go on with what is said and done, as it is stored. Of a task or name: its current session.',
    }),
    full: boolean({summary: 'Fold nothing, and show what stands beside the conversation.'}),
    raw: boolean({summary: 'The lines of the transcript as they are.', exclusive: ['full', 'json']}),
    ...chainFlags,
    pager: string({
      summary: 'What shows the text on a terminal (default: $PAGER, else less -FRX; cat: none).',
      helpValue: '<command>',
    }),
  })

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Show)
    const runtime = await this.start(flags)
    const tail = flags.tail === undefined ? undefined : parseWhole(flags.tail, '--tail')
    const chain = await openChain(runtime, args.session, flags)
    const emit = async (json: unknown, text: () => string): Promise<void> => this.emit(json, text)
    const result = await showChain(runtime, chain, {...flags, tail, emit})
    return this.present(result, () => '')
  }
}
