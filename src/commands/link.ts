import * as Args from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {openSync} from '../cli/sync-context.js'
import {labelLinked} from '../sync/label-session.js'
import {isForkOf} from '../registry/task-continuation.js'
import {knownFacts} from '../registry/task-known.js'
import {linkSession} from '../registry/task-link.js'
import {resolveSession} from '../sync/select-sessions.js'
import {discoverSessions} from '../transcript/discover.js'
import {linkedJson, linkedText} from '../view/linked.js'

export default class Link extends BaseCommand {
  static override summary = 'Link a task or a name to a session.'
  static override description =
    'The session is found by the task or name from then on. A chain that is there takes a session that goes on from it (a fork);' +
    ' for any other session it has to be moved. A task is made where there is neither a task nor a name of that text.'

  static override examples = [
    '<%= config.bin %> <%= command.id %> TICKET-42 4f9d1c3e-0000-4000-8000-000000000000',
    '<%= config.bin %> <%= command.id %> --name parser-bug 4f9d1c3e-0000-4000-8000-000000000000',
  ]

  static override args = {
    target: Args.string({required: true, description: 'A task or a name: 1 to 128 characters.'}),
    session: Args.string({
      required: true,
      description: 'A session: its id or the beginning of it, or another task or name.',
    }),
  }

  // No variables: REPRISE_TASK names a worker's task to other commands, and is no switch.
  static override flags = {
    task: boolean({summary: 'The first argument is a task.', exclusive: ['name']}),
    name: boolean({summary: 'The first argument is a name for people.'}),
    move: boolean({summary: 'Take it from the session that it is linked to; its chain begins anew.'}),
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Link)
    const runtime = await this.start(flags)
    const kind = flags.name ? 'name' : flags.task ? 'task' : undefined
    const {context, registry} = await openSync(runtime, {task: flags.name ? undefined : args.target})
    const {configDir} = context
    const localIds = async () => (await discoverSessions(configDir)).sessions.map((session) => session.sessionId)
    const sessionId = await resolveSession(args.session, {registry, localIds, stored: context})
    const result = await linkSession(registry, {
      id: args.target,
      kind,
      sessionId,
      facts: await knownFacts(context, sessionId),
      move: flags.move,
      continues: async (other) => isForkOf(configDir, sessionId, other),
    })
    await labelLinked(context, result)
    if (result.hidesName) {
      const message = `There is a name ${JSON.stringify(args.target)} too: say --task or --name from now on.`
      runtime.warn({code: 'NAME_HIDDEN', message})
    }
    await this.present(linkedJson(result), () => linkedText(result))
  }
}
