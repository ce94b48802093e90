import {boolean, string} from '@oclif/core/flags'
import {BaseCommand} from '../../cli/base-command.js'
import {withEnvironment} from '../../cli/flags.js'
import {openTasks} from '../../cli/open-tasks.js'
import {listLeases} from '../../sync/list-leases.js'
import {leasesText} from '../../view/lease.js'

export default class LeaseLs extends BaseCommand {
  static override summary = 'List who holds which session.'
  static override description = `A holder alone may write its session. A lease that is not renewed ends within a minute; a worker that took no lease
is not in the list. Times are those of the service that keeps the leases.`
  static override examples = [
    {description: 'Who writes now', command: '<%= config.bin %> <%= command.id %>'},
    {description: 'Who wrote last, for every session', command: '<%= config.bin %> <%= command.id %> --all'},
  ]
  static override flags = withEnvironment({
    all: boolean({summary: 'Those that were given back, too.'}),
    task: string({summary: "The value of {task} in the store's URL.", helpValue: '<task>'}),
  })

  async run(): Promise<void> {
    const {flags} = await this.parse(LeaseLs)
    const runtime = await this.start(flags)
    const runs = await openTasks(runtime, [], {task: flags.task, dryRun: true, everyTask: true})
    const contexts = runs.map(({run}) => run.context)
    const leases = await listLeases(contexts, {all: flags.all})
    const {stdoutIsTerminal, columns} = runtime.screen
    const width = stdoutIsTerminal ? columns : Infinity
    await this.present({leases}, () => leasesText(leases, {all: flags.all, now: runtime.clock.now(), width}))
  }
}
