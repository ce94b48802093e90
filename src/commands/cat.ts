import * as Args from '@oclif/core/args'
import {string} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {withEnvironment} from '../cli/flags.js'
import {chainFlags, openChain} from '../cli/open-inspection.js'
import {writeRaw} from '../cli/raw-output.js'
import {chooseTranscript} from '../inspect/raw-lines.js'
import {transcriptJson} from '../inspect/transcript-json.js'

export default class Cat extends BaseCommand {
  static override summary = 'Print one transcript of a session, byte for byte.'
  static override description = `SESSION is a task, a name, a session id, or the beginning of one; of a task or name the current session is meant. The lines are
those that the agent wrote, as a pull would restore them. On a terminal what would control it is shown as JSON writes it.`
  static override examples = [
    {description: 'Into a file', command: '<%= config.bin %> <%= command.id %> checkout-fix > checkout-fix.jsonl'},
    {description: 'Of one of its subagents', command: '<%= config.bin %> <%= command.id %> 2f9a --subagent a7358e'},
  ]
  static override args = {session: Args.string({description: 'The session.'})}
  static override flags = withEnvironment({
    subagent: string({summary: "A subagent's transcript: its id, or the beginning of it.", helpValue: '<id>'}),
    ...chainFlags,
  })

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Cat)
    const runtime = await this.start(flags)
    const {sessions} = await openChain(runtime, args.session, flags)
    const origin = sessions.at(-1)
    if (!origin) throw new Error('a chain has at least one session')
    const transcript = await chooseTranscript(origin, flags.subagent)
    if (runtime.settings.json) return this.present(await transcriptJson(origin, transcript), () => '')
    await writeRaw(runtime, transcript.read())
    return this.present(undefined, () => '')
  }
}
