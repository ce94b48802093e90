import * as Args from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {BaseCommand} from '../cli/base-command.js'
import {openSync} from '../cli/sync-context.js'
import {unlabel} from '../sync/label-session.js'
import {unlinkTarget} from '../registry/task-link.js'
import {unlinkedJson, unlinkedText} from '../view/linked.js'

export default class Unlink extends BaseCommand {
  static override summary = 'Forget a task or a name; its sessions stay.'

  static override examples = ['<%= config.bin %> <%= command.id %> TICKET-42']

  static override args = {target: Args.string({required: true, description: 'A task or a name.'})}

  // No variables: REPRISE_TASK names a worker's task to other commands, and is no switch.
  static override flags = {
    task: boolean({summary: 'The argument is a task.', exclusive: ['name']}),
    name: boolean({summary: 'The argument is a name for people.'}),
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Unlink)
    const runtime = await this.start(flags)
    const kind = flags.name ? 'name' : flags.task ? 'task' : undefined
    const {context, registry} = await openSync(runtime, {task: flags.name ? undefined : args.target})
    const entry = await unlinkTarget(registry, {id: args.target, kind})
    await unlabel(context, entry)
    await this.present(unlinkedJson(entry), () => unlinkedText(entry))
  }
}
