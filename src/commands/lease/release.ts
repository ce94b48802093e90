import * as Args from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import {BaseCommand} from '../../cli/base-command.js'
import {confirm} from '../../cli/confirm.js'
import {withEnvironment} from '../../cli/flags.js'
import {openTaskOf} from '../../cli/open-tasks.js'
import {openSync} from '../../cli/sync-context.js'
import {releaseLease} from '../../sync/release-lease.js'
import {resolveSession} from '../../sync/select-sessions.js'
import {discoverSessions} from '../../transcript/discover.js'
import {releaseQuestion, releasedText} from '../../view/lease.js'

export default class LeaseRelease extends BaseCommand {
  static override summary = 'Give back the lease of a worker that is gone.'
  static override description = `A lease that is not renewed ends by itself within a minute: this is for those who cannot wait. A holder that may be
alive keeps its lease unless --force is given; it is told so then, and what it stores afterwards may be cut off.`
  static override examples = ['<%= config.bin %> <%= command.id %> TICKET-42 --force']
  static override args = {session: Args.string({required: true, description: 'A task, a name, or a session.'})}
  static override flags = withEnvironment({
    force: boolean({summary: 'Also from a holder that may be alive.'}),
    yes: boolean({char: 'y', summary: 'Do not ask.'}),
    task: string({summary: "The value of {task} in the store's URL.", helpValue: '<task>'}),
  })

  async run(): Promise<void> {
    const {args, flags} = await this.parse(LeaseRelease)
    const runtime = await this.start(flags)
    const {screen, signal} = runtime
    const {context, registry} = await openSync(runtime, {task: flags.task ?? (await openTaskOf(runtime, args.session))})
    const localIds = async () => (await discoverSessions(context.configDir)).sessions.map(({sessionId}) => sessionId)
    const sessionId = await resolveSession(args.session, {registry, localIds, stored: context})
    const released = await releaseLease(context, sessionId, {
      force: flags.force,
      approve: async (lease) => flags.yes || confirm(releaseQuestion(lease), {screen, flag: '--yes', signal}),
    })
    await this.present({...(released ?? {sessionId, action: 'declined'})}, () => releasedText(released))
  }
}
